"""The seventh view and its steps: check, plan, confirm, deploy, verify."""

from hfaas_tui.ui.screens.promote.view import Promote

__all__ = ["Promote"]
