//! The functions of the language: names and how many arguments each takes.

use std::ops::RangeInclusive;

/// A function of a condition (protocol reference 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    IsDefined,
    IsNull,
    IsBool,
    IsNumber,
    IsString,
    IsObject,
    IsArray,
    IsPrimitive,
    StartsWith,
    EndsWith,
    Contains,
    ArrayContains,
    Abs,
    Exp,
    Power,
    Square,
    Ceiling,
    Floor,
    Sign,
    Sqrt,
    AsNumber,
    Concat,
    Length,
    Lower,
    Upper,
    Substring,
    IndexOf,
}

/// Every spelling; the first one of a function is the one we print.
const NAMES: [(&str, Function); 29] = [
    ("IS_DEFINED", Function::IsDefined),
    ("IS_NULL", Function::IsNull),
    ("IS_BOOL", Function::IsBool),
    ("IS_NUMBER", Function::IsNumber),
    ("IS_STRING", Function::IsString),
    ("IS_OBJECT", Function::IsObject),
    ("IS_ARRAY", Function::IsArray),
    ("IS_PRIMITIVE", Function::IsPrimitive),
    ("STARTSWITH", Function::StartsWith),
    ("STARTS_WITH", Function::StartsWith),
    ("ENDS_WITH", Function::EndsWith),
    ("ENDSWITH", Function::EndsWith),
    ("CONTAINS", Function::Contains),
    ("ARRAY_CONTAINS", Function::ArrayContains),
    ("ABS", Function::Abs),
    ("EXP", Function::Exp),
    ("POWER", Function::Power),
    ("SQUARE", Function::Square),
    ("CEILING", Function::Ceiling),
    ("FLOOR", Function::Floor),
    ("SIGN", Function::Sign),
    ("SQRT", Function::Sqrt),
    ("AS_NUMBER", Function::AsNumber),
    ("CONCAT", Function::Concat),
    ("LENGTH", Function::Length),
    ("LOWER", Function::Lower),
    ("UPPER", Function::Upper),
    ("SUBSTRING", Function::Substring),
    ("INDEX_OF", Function::IndexOf),
];

impl Function {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, function)| *function)
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    pub(super) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, function)| *function == self).map_or("", |(name, _)| name)
    }

    /// Whether the result is a boolean, so that a call may stand as a condition.
    pub(super) fn is_predicate(self) -> bool {
        matches!(
            self,
            Self::IsDefined
                | Self::IsNull
                | Self::IsBool
                | Self::IsNumber
                | Self::IsString
                | Self::IsObject
                | Self::IsArray
                | Self::IsPrimitive
                | Self::StartsWith
                | Self::EndsWith
                | Self::Contains
                | Self::ArrayContains
        )
    }

    /// How many arguments it takes.
    pub(super) fn arity(self) -> RangeInclusive<usize> {
        match self {
            Self::StartsWith | Self::EndsWith | Self::Contains | Self::ArrayContains | Self::Power | Self::IndexOf => {
                2..=2
            }
            Self::Substring => 2..=3,
            Self::Concat => 2..=usize::MAX,
            _ => 1..=1,
        }
    }

    /// Whether Azure IoT Hub is known to accept it in queries over twins; the others are documented for message
    /// routing only (protocol reference 6.2).
    pub(super) fn is_portable(self) -> bool {
        matches!(self, Self::IsDefined | Self::StartsWith | Self::ArrayContains)
    }
}
