"""clean.lines: settings that are refused."""

import pytest

from datakit.errors import SettingsError
from datakit.stages.clean.lines import LineCleaner


@pytest.mark.parametrize(
    "name", ["id", "source", "text", "messages", "meta", "rejected", "label", "weight", "_line"]
)
def test_share_removed_takes_no_column_of_datakits_own(name: str) -> None:
    with pytest.raises(SettingsError, match=f"'{name}' is a name that datakit uses") as error:
        LineCleaner(preset="c4-en", removed=name)
    assert error.value.key == "removed"
