"""Two small packages, a tabulation and an analysis one, that the tests of define.xml write, read and break."""

from __future__ import annotations

from sdtm_convert.model import (Codelist, Dataset, Dictionary, Document, Method, Origin, Package, RangeCheck, StandardUsed,
                                Term, ValueLevel, Variable)

CREATED = "2025-03-28T12:00:00"
CT = "SDTM 2025-03-28"

YES, NO = Term("Y", "C49488", "Yes"), Term("N", "C49487", "No")
NY = Codelist("C66742", "NY", "No Yes Response", False, (NO, YES), CT)
NY_YES = Codelist("C66742", "NY", "No Yes Response", False, (YES,), CT)
SEX = Codelist("C66731", "SEX", "Sex", False, (Term("F", "C16576", "Female"), Term("M", "C20197", "Male")), CT)
RACE = Codelist("C74457", "RACE", "Race", False, (Term("ASIAN", "C41260"), Term("WHITE", "C41261")), CT)
TESTCD = Codelist("C66741", "VSTESTCD", "Vital Signs Test Code", True,
                  (Term("SYSBP", "C25298", "Systolic Blood Pressure"), Term("TEMP", "C25206", "Temperature"),
                   Term("MOOD", "", "Mood of the Day")), CT)
POSITION = Codelist("C71148", "POSITION", "Position", True, (Term("SITTING", "C62122"), Term("ON A CHAIR")), CT)
COUNTRY = Codelist("", "COUNTRY", "Countries of the Study", False, (Term("IRN", "", "Iran"), Term("USA", "", "United States")))

COLLECTED = Origin("Collected", "Investigator", pages=("7", "8", "7"))
ASSIGNED, DERIVED, PROTOCOL = Origin("Assigned", "Sponsor"), Origin("Derived", "Sponsor"), Origin("Protocol", "Sponsor")
SEQUENCE = Method("Number of the record within the subject, in the order of the keys.", name="Sequence number")


def char(name: str, label: str, length: int = 20, data_type: str = "text", **more) -> Variable:
    return Variable(name, label, "Char", data_type, length, **{"origin": ASSIGNED, "role": "Record Qualifier", **more})


def num(name: str, label: str, data_type: str = "integer", **more) -> Variable:
    return Variable(name, label, "Num", data_type, 8, **{"origin": ASSIGNED, "role": "Record Qualifier", **more})


STUDYID = char("STUDYID", "Study Identifier", 5, role="Identifier", core="Req", mandatory=True, origin=PROTOCOL)
USUBJID = char("USUBJID", "Unique Subject Identifier", 11, role="Identifier", core="Req", mandatory=True, origin=DERIVED,
               method=Method("STUDYID, a hyphen, and SUBJID."))


def domain(code: str) -> Variable:
    codelist = Codelist("C66734", "DOMAIN", "SDTM Domain Abbreviation", True, (Term(code, "C49562", code),), CT)
    return char("DOMAIN", "Domain Abbreviation", 2, role="Identifier", mandatory=True, codelist=codelist)


def sequence(name: str) -> Variable:
    return num(name, "Sequence Number", role="Identifier", mandatory=True, origin=DERIVED, method=SEQUENCE)


DM = Dataset("DM", "Demographics", "SPECIAL PURPOSE", "One record per subject", (
    STUDYID, domain("DM"), USUBJID,
    char("RFSTDTC", "Subject Reference Start Date/Time", 20, "partialDatetime", role="Timing", origin=DERIVED,
         method=Method("First EX.EXSTDTC of the subject.", "Imputation")),
    num("AGE", "Age", origin=COLLECTED),
    char("SEX", "Sex", 1, origin=COLLECTED, codelist=SEX, mandatory=True),
    char("RACE", "Race", 5, origin=Origin("Collected", "Investigator", pages=("6", "9-11", "demography page")), codelist=RACE),
    char("COUNTRY", "Country", 3, codelist=COUNTRY, mandatory=True, comment="Every site is in one of two countries."),
    char("DTHFL", "Subject Death Flag", 1, codelist=NY_YES, all_missing=True),
), ("STUDYID", "USUBJID"), "DM", repeating=False, records=3)

AE = Dataset("AE", "Adverse Events", "EVENTS", "One record per adverse event per subject", (
    STUDYID, domain("AE"), USUBJID, sequence("AESEQ"),
    char("AETERM", "Reported Term for the Adverse Event", 200, role="Topic", mandatory=True, origin=COLLECTED),
    char("AEDECOD", "Dictionary-Derived Term", 200, role="Synonym Qualifier", mandatory=True, dictionary="MedDRA"),
    char("AESER", "Serious Event", 1, origin=COLLECTED, codelist=NY),
    char("AESTDTC", "Start Date/Time of Adverse Event", 16, "incompleteDatetime", role="Timing", origin=COLLECTED),
    char("AEWEATHR", "Weather & Wind < 5 m/s, \u00e9tat", 40, non_standard=True, origin=COLLECTED),
), ("STUDYID", "USUBJID", "AETERM", "AESTDTC"), "AE", records=4)

SUPPAE = Dataset("SUPPAE", "Supplemental Qualifiers for AE", "RELATIONSHIP",
                 "One record per related record and QNAM", (
    STUDYID, char("RDOMAIN", "Related Domain Abbreviation", 2, mandatory=True),
    USUBJID, char("IDVAR", "Identifying Variable", 8), char("IDVARVAL", "Identifying Variable Value", 8),
    char("QNAM", "Qualifier Variable Name", 8, mandatory=True),
    char("QLABEL", "Qualifier Variable Label", 40, mandatory=True),
    char("QVAL", "Data Value", 200, mandatory=True, origin=None, value_level=(
        ValueLevel((RangeCheck("QNAM", "EQ", ("AETRTEM",)),), "Treatment Emergent Flag", "Char", "text", 1, codelist=NY_YES,
                   origin=DERIVED, method=Method("Y if AESTDTC is on or after DM.RFSTDTC.")),
        ValueLevel((RangeCheck("QNAM", "EQ", ("AENOTE",)),), "Note of the Investigator", "Char", "text", 200,
                   origin=COLLECTED, comment="Free text as written."),
    )),
    char("QORIG", "Origin", 20, mandatory=True), char("QEVAL", "Evaluator", 20),
), ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM"), "AE", records=5, parent_label="Adverse Events")


def result(test: str, data_type: str, length: int, **more) -> ValueLevel:
    return ValueLevel((RangeCheck("VSTESTCD", "EQ", (test,)),), f"Result of {test}", "Char", data_type, length, **more)


VS = Dataset("VS", "Vital Signs", "FINDINGS", "One record per test per visit per subject", (
    STUDYID, domain("VS"), USUBJID, sequence("VSSEQ"),
    char("VSTESTCD", "Vital Signs Test Short Name", 8, role="Topic", mandatory=True, codelist=TESTCD),
    char("VSPOS", "Vital Signs Position of Subject", 12, origin=COLLECTED, codelist=POSITION),
    char("VSORRES", "Result or Finding in Original Units", 20, origin=COLLECTED, value_level=(
        result("SYSBP", "integer", 3, origin=COLLECTED), result("TEMP", "float", 5, significant_digits=1),
        result("MOOD", "text", 20, origin=Origin("Collected", "Subject", pages=("12",)), mandatory=True),
    )),
    char("VSORRESU", "Original Units", 10, origin=COLLECTED, value_level=(
        ValueLevel((RangeCheck("VSTESTCD", "EQ", ("TEMP",)), RangeCheck("COUNTRY", "EQ", ("USA",), "DM")),
                   "Unit of Temperature, USA", "Char", "text", 1),
        ValueLevel((RangeCheck("VSTESTCD", "EQ", ("TEMP",)), RangeCheck("COUNTRY", "NE", ("USA",), "DM")),
                   "Unit of Temperature", "Char", "text", 1),
    )),
    num("VSSTRESN", "Numeric Result/Finding in Standard Units", "float", significant_digits=1, origin=DERIVED,
        display_format="8.1", method=Method("VSORRES in the standard unit."), value_level=(
            ValueLevel((RangeCheck("VSTESTCD", "EQ", ("SYSBP",)),), "Systolic", "Num", "integer", 3),
            ValueLevel((RangeCheck("VSTESTCD", "IN", ("TEMP", "MOOD")),), "Others", "Num", "float", 5, significant_digits=1),
        )),
    char("VSBLFL", "Baseline Flag", 1, codelist=NY_YES, origin=DERIVED, method=Method("Y for the last record before dosing.")),
), ("STUDYID", "USUBJID", "VSTESTCD", "VSSEQ"), "VS", records=6)

TS = Dataset("TS", "Trial Summary", "TRIAL DESIGN", "One record per trial summary parameter value", (
    STUDYID, domain("TS"), num("TSSEQ", "Sequence Number", role="Identifier", mandatory=True),
    char("TSPARMCD", "Trial Summary Parameter Short Name", 8, role="Topic", mandatory=True),
    char("TSVAL", "Parameter Value", 60, origin=PROTOCOL),
), ("STUDYID", "TSPARMCD", "TSSEQ"), "TS", reference_data=True, records=2)

FA = Dataset("FA", "Findings About Events or Interventions", "FINDINGS ABOUT", "One record per finding per object", (
    STUDYID, domain("FA"), USUBJID, sequence("FASEQ"),
    char("FATESTCD", "Findings About Test Short Name", 8, role="Topic", mandatory=True, all_missing=True),
), ("STUDYID", "USUBJID", "FATESTCD"), "FA", records=0, comment="No event asked for further findings.")

SDTM = Package(
    "ABC01", "ABC01", "A study of an antiviral & its \u201csafety\u201d", "ABC-01",
    (StandardUsed("CDISC/NCI", "CT", "2025-03-28", "SDTM"), StandardUsed("SDTMIG", "IG", "3.4"),
     StandardUsed("CDISC/NCI", "CT", "2025-03-28", "Define-XML")),
    (AE, DM, FA, SUPPAE, TS, VS),
    (Document("acrf", "Annotated CRF", "acrf.pdf", "crf"), Document("csdrg", "Reviewer's Guide", "csdrg.pdf", "guide"),
     Document("units", "Unit factors", "unit factors.pdf")),
    (Dictionary("MedDRA", "23.0", "https://www.meddra.org"),), CREATED, "The sponsor",
    "All subjects are in the data.", ("The site 9 was closed.",))


# --- Analysis ---------------------------------------------------------------------------------------------------------


def copied(variable: Variable, place: str) -> Variable:
    return Variable(variable.name, variable.label, variable.type, variable.data_type, variable.length, role=variable.role,
                    codelist=variable.codelist, origin=Origin("Predecessor", "Sponsor", place))


TREATMENT = Codelist("", "TRT01PN", "Planned Treatment", False, (Term("0", "", "Placebo"), Term("1", "", "Active")))

ADSL = Dataset("ADSL", "Subject-Level Analysis Dataset", "SUBJECT LEVEL ANALYSIS DATASET", "One record per subject", (
    copied(STUDYID, "DM.STUDYID"), copied(USUBJID, "DM.USUBJID"), copied(DM.by_name["AGE"], "DM.AGE"),
    copied(DM.by_name["SEX"], "DM.SEX"), num("TRT01PN", "Planned Treatment for Period 01 (N)", codelist=TREATMENT),
    num("TRTSDT", "Date of First Exposure to Treatment", display_format="DATE9.", origin=DERIVED,
        method=Method("Date part of the first EX.EXSTDTC.")),
    char("SAFFL", "Safety Population Flag", 1, codelist=NY, origin=DERIVED, method=Method("Y if any dose was taken, else N.")),
), ("STUDYID", "USUBJID"), purpose="Analysis", repeating=False, records=3, comment="One row for every subject of DM.")

ADVS = Dataset("ADVS", "Vital Signs Analysis", "BASIC DATA STRUCTURE", "One record per subject per parameter per visit", (
    copied(STUDYID, "ADSL.STUDYID"), copied(USUBJID, "ADSL.USUBJID"),
    char("PARAMCD", "Parameter Code", 8, origin=ASSIGNED),
    num("AVAL", "Analysis Value", "float", significant_digits=1, origin=None, value_level=(
        ValueLevel((RangeCheck("PARAMCD", "NE", ("MAP",)),), "Analysis Value", "Num", "float", 5, significant_digits=1,
                   origin=Origin("Predecessor", "", "VS.VSSTRESN")),
        ValueLevel((RangeCheck("PARAMCD", "EQ", ("MAP",)),), "Mean Arterial Pressure", "Num", "float", 5,
                   significant_digits=1, origin=DERIVED, method=Method("(SYSBP + 2 * DIABP) / 3")),
    )),
), ("STUDYID", "USUBJID", "PARAMCD"), purpose="Analysis", records=9)

ADTTE = Dataset("ADTTE", "Time to Event", "BASIC DATA STRUCTURE", "One record per subject per parameter", (
    copied(STUDYID, "ADSL.STUDYID"), copied(USUBJID, "ADSL.USUBJID"), char("PARAMCD", "Parameter Code", 8),
), ("STUDYID", "USUBJID", "PARAMCD"), purpose="Analysis", subclass="TIME-TO-EVENT", records=3)

ADXX = Dataset("ADXX", "Own Structure", "ADAM OTHER", "One record per thing", (copied(USUBJID, "ADSL.USUBJID"),),
               ("USUBJID",), purpose="Analysis", non_standard=True, records=1)

ADAM = Package("ABC01", "ABC01", "A study", "ABC-01",
               (StandardUsed("ADaMIG", "IG", "1.3"), StandardUsed("CDISC/NCI", "CT", "2025-03-28", "ADaM")),
               (ADVS, ADTTE, ADSL, ADXX), (Document("adrg", "Analysis Reviewer's Guide", "adrg.pdf", "guide"),), (), CREATED)
