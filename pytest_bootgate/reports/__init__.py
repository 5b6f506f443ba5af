"""What people and other tools read: terminal, HTML, JUnit and others, each made from the result.

Nothing here measures or judges, and no verdict depends on a sentence that is written here.
"""
