"""Schedules: when rules of EventBridge and schedules of EventBridge Scheduler fire, and what then happens."""
