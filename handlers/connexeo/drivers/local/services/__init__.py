"""Secondary services: processes published as map tiles, drawn on demand.

Web workers ask `services.LocalServices`, child processes draw by `drawing`. Nothing is imported here, since children
shall start quickly.
"""
