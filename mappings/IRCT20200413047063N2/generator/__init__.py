"""The synthetic raw export of the example study: one module per step, one table of plain text per form.

`subjects` simulates who is in the trial and what becomes of them; `entry`, `treatment`, `measurements` and `logs` write
down what each form would hold; `defects` plants the dirt of real exports; `write` makes the files. What is a list and
not a computation (fields, tests, events, medications) lies in the CSV files beside these modules.
"""
