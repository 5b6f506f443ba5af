"""What people and other tools read: each report is a function of the result.

Nothing here measures or judges.
"""
