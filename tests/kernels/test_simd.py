import shutil
import subprocess
import sys
from pathlib import Path

import datakit

PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
from kernels_copy import first
print(first.call(np.zeros(1)))
"""
FIRST = """
from kernels_copy.second import answer
from kernels_copy.simd import kernel


@kernel
def call(array):
    return answer(array)
"""
SECOND = """
from kernels_copy.simd import part


@part
def answer(array):
    return array.size + {number}
"""


def test_a_kernel_is_compiled_anew_when_another_file_of_kernels_changes(tmp_path: Path) -> None:
    package = tmp_path / "kernels_copy"
    package.mkdir()
    shutil.copy(Path(datakit.__file__).parent / "kernels" / "simd.py", package)
    (package / "first.py").write_text(FIRST)
    found = []
    for number in (1, 2, 2):
        (package / "second.py").write_text(SECOND.format(number=number))
        command = [sys.executable, "-c", PROGRAM.format(folder=str(tmp_path))]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(int(done.stdout))
    assert found == [2, 3, 3]
