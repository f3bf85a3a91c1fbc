//! What is true, false and undefined.

use super::*;

#[test]
fn identity_fields_ignore_case_and_properties_do_not() {
    assert!(selects("DEVICEID = 'pump-07' AND devices.Status = \"enabled\""));
    assert!(selects("tags.Site = 'upper' AND tags.site = 'oslo'"));
    assert!(!selects("tags.SITE = 'oslo'"));
    assert!(!selects("deviceId = 'PUMP-07'"));
}

#[test]
fn numbers_compare_as_numbers() {
    assert!(selects("tags.floor = 3.0 AND version >= 0x4 AND properties.reported.temp > 21"));
    assert!(selects("tags.floor * 2 + 1 = 7 AND 7 - 2 - 1 = 4 AND 2 + 3 * 2 = 8 AND 7 % 4 = 3 AND (2 + 3) * 2 = 10"));
    assert!(selects("tags.floor > -1 AND 1 -1 = 0"));
}

#[test]
fn other_types_and_missing_values_are_neither_true_nor_false() {
    for condition in [
        "tags.floor = '3'",
        "tags.floor != '3'",
        "tags.gone = 1",
        "tags.gone != 1",
        "NOT tags.gone = 1",
        "tags.none = 'x'",
        "tags.none != 'x'",
        "tags.flag < true",
        "tags.gone = undefined",
        "properties.desired.fw = properties.desired.fw",
        "tags.gone IN ['x']",
        "tags.gone NIN ['x']",
        "1 / 0 = 1 / 0",
        "NOT STARTSWITH(tags.floor, '3')",
        "tags.site + 1 = 1",
    ] {
        assert!(!selects(condition), "{condition}");
        assert!(!selects(&format!("NOT ({condition})")), "NOT {condition}");
    }
}

#[test]
fn undefined_terms_yield_to_the_ones_that_decide() {
    assert!(selects("tags.gone = 1 OR tags.floor = 3"));
    assert!(selects("NOT (tags.gone = 1 AND tags.floor = 4)"));
    assert!(!selects("tags.gone = 1 AND tags.floor = 3"));
}

#[test]
fn null_equals_null_only() {
    assert!(selects("tags.none = null AND NOT tags.none != null AND IS_NULL(tags.none)"));
    assert!(!selects("tags.gone = null"));
}

#[test]
fn membership_is_a_chain_of_equalities() {
    assert!(selects("tags.site IN ['berlin', 'oslo'] AND tags.floor in [1, 3] AND tags.site nin ['berlin']"));
    // Like `tags.floor != 4 AND tags.floor != 'x'`, whose second term is undefined.
    assert!(!selects("tags.floor NIN [4, 'x']"));
    assert!(selects("tags.floor IN ['x', 3]"));
}

#[test]
fn type_functions_know_what_is_there() {
    assert!(selects("IS_DEFINED(tags.none) AND NOT IS_DEFINED(tags.gone) AND IS_DEFINED(properties.desired.fw)"));
    assert!(selects("IS_STRING(tags.site) AND IS_NUMBER(version) AND IS_BOOL(tags.flag) AND NOT IS_BOOL(tags.gone)"));
    assert!(selects("IS_OBJECT(tags) AND IS_ARRAY(parentScopes) AND IS_ARRAY([1]) AND NOT IS_OBJECT(parentScopes)"));
    assert!(selects("IS_PRIMITIVE(tags.none) AND NOT IS_PRIMITIVE(tags) AND NOT IS_PRIMITIVE(tags.gone)"));
}

#[test]
fn text_functions_count_in_characters() {
    assert!(selects("STARTSWITH(deviceId, 'pump') AND starts_with(deviceId, '') AND ENDS_WITH(deviceId, '07')"));
    assert!(selects("CONTAINS(tags.site, 'sl') AND NOT CONTAINS(tags.site, 'x')"));
    assert!(selects("CONCAT(tags.site, '-', deviceId) = 'oslo-pump-07' AND UPPER(tags.site) = 'OSLO'"));
    assert!(selects("LENGTH('öl') = 2 AND INDEX_OF('öl', 'l') = 1 AND INDEX_OF('öl', 'x') = -1"));
    assert!(selects("SUBSTRING('grün', 2) = 'ün' AND SUBSTRING('grün', 1, 2) = 'rü' AND SUBSTRING('a', 5) = ''"));
    assert!(selects("AS_NUMBER('2.5') = 2.5 AND NOT IS_DEFINED(AS_NUMBER('x')) AND LOWER('A') = 'a'"));
}

#[test]
fn number_functions_calculate() {
    assert!(selects("ABS(-2) = 2 AND SQUARE(3) = 9 AND POWER(2, 10) = 1024 AND SQRT(16) = 4 AND EXP(0) = 1"));
    assert!(selects("CEILING(1.2) = 2 AND FLOOR(-1.2) = -2 AND SIGN(-3) = -1 AND SIGN(0) = 0"));
    assert!(selects("NOT IS_DEFINED(SQRT(-1)) AND NOT IS_DEFINED(POWER(10, 999))"));
}

#[test]
fn arrays_are_searched_for_primitives() {
    assert!(selects("ARRAY_CONTAINS(parentScopes, 's2') AND NOT ARRAY_CONTAINS(parentScopes, 's3')"));
    assert!(selects("ARRAY_CONTAINS(properties.reported.list, 1) AND ARRAY_CONTAINS(['a', 'oslo'], tags.site)"));
    assert!(!selects("ARRAY_CONTAINS(tags.site, 'o') OR NOT ARRAY_CONTAINS(tags.site, 'o')"));
}

#[test]
fn quoted_segments_and_dollar_names_are_paths() {
    assert!(selects("configurations.[[fw-stable]].status = 'Applied' AND tags.[[a b]] = 1"));
    assert!(selects("properties.reported.$version = 9 AND devices.capabilities.IOTEDGE = true"));
}
