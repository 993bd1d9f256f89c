"""Shared fixtures of every test."""
