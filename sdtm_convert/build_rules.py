"""What build and validate themselves report, beside the conformance rules: rule, severity, meaning. `sdtm-convert explain ID` prints it."""

from __future__ import annotations

BUILD_RULES: dict[str, tuple[str, str]] = {
    "RAW-TABLE": ("warning", "A file of the raw folder is neither read as a raw table nor listed as not submitted with a reason."),
    "RAW-FIELD": ("warning", "A field of a raw table is neither mapped nor listed as not submitted with a reason."),
    "RAW-ROW": ("warning", "A raw row became no record, and no reason is given for leaving it out."),
    "RAW-TEST": ("error", "A raw row names a test that the mapping does not know; it became no record."),
    "RAW-DUPLICATE": ("warning", "A raw row equals an earlier one in every field."),
    "RAW-SUBJECT": ("error", "A raw row does not say whose it is: a part of USUBJID is missing."),
    "RAW-RAGGED": ("error", "A line of a text file has too few or too many cells; the row stays, and the finding holds what is surplus."),
    "RAW-EXCEL-ERROR": ("error", "A cell of a workbook holds an error value such as #N/A; it is kept as text."),
    "RAW-EXCEL-FORMULA": ("error", "A cell of a workbook holds a formula without a stored value; it is missing."),
    "RAW-SPECIAL-MISSING": ("notice", "A SAS number is a special missing value (.A to .Z or ._); the letter is in the finding."),
    "RAW-XPORT": ("warning", "A transport file was read, but its end or header leaves the number of rows in doubt, or numbers were rounded; the message says which."),
    "MAP-DATE-UNREADABLE": ("error", "A collected date or time has none of the formats that the mapping lists; the variable is missing."),
    "MAP-DATE-IMPOSSIBLE": ("error", "A collected date or time does not exist; the variable is missing."),
    "MAP-DATE-AMBIGUOUS": ("warning", "Two of the listed formats read a collected date differently; the first one was taken."),
    "MAP-NUMBER": ("error", "A collected value is not a number; the numeric variable is missing."),
    "MAP-RESULT": ("warning", "A collected result of a test with units is not a number; it stays in --ORRES and --STRESC, --STRESN is missing."),
    "MAP-UNIT": ("error", "A result could not be converted to the standard unit; it stays in --ORRES, --STRESN is missing."),
    "MAP-LOOKUP": ("warning", "A value is not in the study's look-up table; the variable is missing."),
    "MAP-TERM": ("error", "A collected value is not a term of the study's own codelist; it stays as collected."),
    "MAP-DECODE": ("warning", "A value has no decode in its codelist; the variable is missing."),
    "MAP-SEVERAL": ("error", "Another dataset has several different values for the subject where one is needed; the variable is missing."),
    "MAP-TIE": ("notice", "Several records tie for a flag; one was taken."),
    "CONFORM-LENGTH": ("error", "A text is longer than the 200 bytes of a transport file; it was cut, and the finding holds it whole."),
    "CONFORM-DECLARED-LENGTH": ("error", "A text is longer than the `length` that the mapping declares; it stays whole, and the variable becomes as wide as it needs."),
    "CONFORM-CONTROL": ("notice", "A text holds line breaks or other control characters; each was replaced by a blank."),
    "CONFORM-ASCII": ("warning", "A text holds characters outside US-ASCII."),
    "FILE-UNREADABLE": ("error", "A file that was to be validated cannot be read as a dataset."),
    "FILE-IGNORED": ("warning", "A file was not looked into: an archive inside an archive, or (a notice) another format of a dataset that was read."),
    "FILE-TYPE": ("error", "A variable that is declared Num holds values that are no numbers, or one holds numbers that float64 does not; it was read as text."),
    "WAIVER-EXPIRED": ("notice", "A waiver has expired; the findings that it accepted are back."),
    "WAIVER-UNUSED": ("notice", "A waiver accepts no finding."),
    "FILE-ENCODING": ("warning", "A file holds text in another encoding than UTF-8; it was read as the finding says."),
}
STRICT = ("RAW-TABLE", "RAW-FIELD", "RAW-ROW")  # errors with --strict
