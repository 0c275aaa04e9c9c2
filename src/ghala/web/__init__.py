"""What people and programs read over HTTP: the console, the API and the kept reports."""
