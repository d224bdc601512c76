"""The local web app: starts the same commands as a terminal, and reads the same run folders. No torch in the server."""
