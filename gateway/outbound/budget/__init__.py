"""Vendor budgets: how many calls a credential may still make, and who makes the next one."""

from gateway.outbound.budget.bucket import Bucket, Rate, rate_of
from gateway.outbound.budget.priority import Priority, prioritised
from gateway.outbound.budget.spending import Budget
from gateway.outbound.budget.store import BudgetStore, MemoryBudgets

__all__ = ["Bucket", "Budget", "BudgetStore", "MemoryBudgets", "Priority", "Rate", "prioritised", "rate_of"]
