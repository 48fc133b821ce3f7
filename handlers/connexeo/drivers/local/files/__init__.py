"""Files of users: rows in the database, contents in the storage."""
