"""Vendor budgets: how many calls a credential may still make, and who makes the next one."""

from gateway.budget.bucket import Bucket, Rate, rate_of
from gateway.budget.priority import Priority, prioritised
from gateway.budget.spending import Budget
from gateway.budget.store import BudgetStore, MemoryBudgets

__all__ = ["Bucket", "Budget", "BudgetStore", "MemoryBudgets", "Priority", "Rate", "prioritised", "rate_of"]
