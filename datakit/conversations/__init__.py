"""What several stage families do with conversations: their flat form, order and repairs."""
