"""What the pages ask the server for: one file per page, all under /api."""
