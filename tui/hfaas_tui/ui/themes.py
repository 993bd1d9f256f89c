"""The four themes; without colour (`NO_COLOR`) each of them works too."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="hfaas-dark",
    primary="#1d4ed8",
    secondary="#334155",
    accent="#22d3ee",
    foreground="#e5e7eb",
    background="#0f141b",
    surface="#0f141b",
    panel="#18202b",
    success="#22c55e",
    warning="#f59e0b",
    error="#ef4444",
    dark=True,
    variables={
        "text-muted": "#94a3b8",
        "text-success": "#22c55e",
        "text-warning": "#f59e0b",
        "text-error": "#f87171",
        "text-accent": "#22d3ee",
        "block-cursor-background": "#1d4ed8",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-blurred-background": "#22304a",
        "scrollbar": "#334155",
        "scrollbar-background": "#0f141b",
    },
)
LIGHT = Theme(
    name="hfaas-light",
    primary="#1d4ed8",
    secondary="#cbd5e1",
    accent="#0e7490",
    foreground="#111827",
    background="#ffffff",
    surface="#ffffff",
    panel="#eef2f7",
    success="#15803d",
    warning="#b45309",
    error="#b91c1c",
    dark=False,
    variables={
        "text-muted": "#475569",
        "text-success": "#166534",
        "text-warning": "#92400e",
        "text-error": "#b91c1c",
        "text-accent": "#0e7490",
        "block-cursor-background": "#1d4ed8",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-blurred-background": "#dbe4f3",
        "scrollbar": "#cbd5e1",
        "scrollbar-background": "#ffffff",
    },
)
OURS = (DARK, LIGHT)
NAMES = ("hfaas-dark", "hfaas-light", "ansi-dark", "ansi-light")
"""Ours, and the two that use the terminal's own 16 colours."""
