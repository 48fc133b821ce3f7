"""Handlers: one module per openEO microservice, one thin function per operation."""
