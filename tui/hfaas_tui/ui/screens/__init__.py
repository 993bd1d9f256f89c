"""The eight views, and the dialogs above them. Views are imported when they are first shown."""
