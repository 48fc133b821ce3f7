"""The driver ``federation``: one API in front of many openEO back-ends, with none hanging the others."""
