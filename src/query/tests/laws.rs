//! What holds for every text, every tree and every document.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::ast::{Arithmetic, Comparison, Expr};
use super::super::eval::truth;
use super::super::function::Function;
use super::super::truth::Truth;
use super::*;

fn literal() -> impl Strategy<Value = Literal> {
    let leaf = prop_oneof![
        Just(Literal::Undefined),
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        prop_oneof![any::<f64>().prop_filter("finite", |n| n.is_finite()), (-9i32..9).prop_map(f64::from)]
            .prop_map(Literal::Number),
        any::<String>().prop_map(Literal::Text),
        prop::sample::select(vec!["oslo", "a'b", "\\"]).prop_map(|text| Literal::Text(text.to_owned())),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| vec(inner, 0..3).prop_map(Literal::List))
}

fn path() -> impl Strategy<Value = FieldPath> {
    let segment = prop_oneof!["[a-z$_][a-zA-Z0-9_$]{0,5}", "[a-c .'\"(-]{1,4}", "(site|floor|none|gone|and)"];
    let root = "(deviceId|tags|properties|x_[a-z]{1,4})";
    (root, vec(segment, 0..3)).prop_map(|(root, rest)| {
        let segments = std::iter::once(root.as_str()).chain(rest.iter().map(String::as_str)).collect();
        FieldPath::from_segments(segments).unwrap()
    })
}

fn call(argument: impl Strategy<Value = Expr> + Clone) -> impl Strategy<Value = Expr> {
    let functions: Vec<Function> = Function::names().filter_map(Function::from_name).collect();
    (prop::sample::select(functions), vec(argument, 3)).prop_map(|(function, mut arguments)| {
        arguments.truncate(*function.arity().start());
        Expr::Call(function, arguments)
    })
}

fn chain(operand: impl Strategy<Value = Expr> + Clone) -> impl Strategy<Value = Expr> {
    let operators = prop::sample::select(vec![Arithmetic::SUMS.to_vec(), Arithmetic::PRODUCTS.to_vec()]);
    let operators = operators.prop_flat_map(|precedence| vec(prop::sample::select(precedence), 1..3));
    (operand.clone(), operators, vec(operand, 2)).prop_map(|(first, operators, rest)| {
        let rest = operators.into_iter().map(|(_, operator)| operator).zip(rest).collect();
        Expr::Chain(Box::new(first), rest)
    })
}

fn value() -> impl Strategy<Value = Expr> + Clone {
    let leaf = prop_oneof![literal().prop_map(Expr::Literal), path().prop_map(Expr::Path)];
    leaf.prop_recursive(2, 8, 3, |inner| prop_oneof![call(inner.clone()), chain(inner)]).boxed()
}

fn condition() -> impl Strategy<Value = Expr> {
    let comparison = prop::sample::select(Comparison::ALL.to_vec());
    let leaf = prop_oneof![
        3 => (value(), comparison, value())
            .prop_map(|(left, (_, by), right)| Expr::Compare(Box::new(left), by, Box::new(right))),
        1 => (value(), vec(literal(), 1..3), any::<bool>())
            .prop_map(|(value, list, negated)| Expr::In { value: Box::new(value), list, negated }),
        1 => path().prop_map(|path| Expr::Call(Function::IsDefined, vec![Expr::Path(path)])),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Expr::Not(Box::new(inner))),
            vec(inner.clone(), 2..4).prop_map(Expr::And),
            vec(inner, 2..4).prop_map(Expr::Or),
        ]
    })
}

fn not(expr: &Expr) -> Expr {
    Expr::Not(Box::new(expr.clone()))
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = Query::parse(&text);
        let _ = Condition::parse(&text);
        let _ = Target::parse(&text);
        let _ = FieldPath::parse(&text);
    }

    #[test]
    fn no_heap_of_words_makes_it_panic_either(words in vec(prop::sample::select(vec![
        "SELECT", "*", "TOP", "FROM", "devices", ".", "jobs", "WHERE", "tags.a", "(", ")", "[", "]", "[[", "]]", "'x'", "1",
        "-", "AND", "NOT", "IN", "=", "COUNT", "GROUP", "BY", ",", "IS_DEFINED", "AS", "\\u12", "'", "ö", "0x",
    ]), 0..30)) {
        for text in [words.join(" "), words.concat(), format!("SELECT * FROM devices WHERE {}", words.join(" "))] {
            if let Err(error) = Query::parse(&text) {
                prop_assert!(text.get(error.span.clone()).is_some(), "{error:?}");
            }
            if let Ok(condition) = Condition::parse(&text) {
                condition.matches(&twin());
            }
        }
    }

    #[test]
    fn what_is_printed_parses_to_the_same_tree(expr in condition()) {
        let printed = expr.to_string();
        prop_assume!(printed.chars().count() <= MAX_LENGTH);
        let parsed = Condition::parse(&printed);
        prop_assert_eq!(parsed, Ok(Condition::new(&printed, expr, Vec::new())), "{}", printed);
    }

    #[test]
    fn de_morgan_holds_with_three_values(terms in vec(condition(), 2..4)) {
        let negated: Vec<Expr> = terms.iter().map(not).collect();
        let twin = twin();
        prop_assert_eq!(truth(&not(&Expr::And(terms.clone())), &twin), truth(&Expr::Or(negated.clone()), &twin));
        prop_assert_eq!(truth(&not(&Expr::Or(terms)), &twin), truth(&Expr::And(negated), &twin));
    }

    #[test]
    fn membership_means_its_equalities(one in value(), list in vec(literal(), 2..4)) {
        let equal = |item: &Literal| {
            Expr::Compare(Box::new(one.clone()), Comparison::Equal, Box::new(Expr::Literal(item.clone())))
        };
        let spelt_out = Expr::Or(list.iter().map(equal).collect());
        let membership = Expr::In { value: Box::new(one.clone()), list, negated: false };
        prop_assert_eq!(truth(&membership, &twin()), truth(&spelt_out, &twin()));
    }

    #[test]
    fn an_index_never_loses_a_selected_document(expr in condition()) {
        let printed = expr.to_string();
        let condition = Condition::new(&printed, expr, Vec::new());
        let twin = twin();
        if condition.matches(&twin) {
            for equality in condition.equalities() {
                let list = equality.any_of.to_vec();
                let term = Expr::In { value: Box::new(Expr::Path(equality.path.clone())), list, negated: false };
                prop_assert_eq!(truth(&term, &twin), Truth::True);
            }
        }
    }

    #[test]
    fn a_sieve_never_loses_a_selected_document_and_an_exact_one_passes_no_other(expr in condition()) {
        let printed = expr.to_string();
        let condition = Condition::new(&printed, expr, Vec::new());
        let twin = twin();
        let selected = condition.matches(&twin);
        let sieve = condition.sieve();
        for known in [|_: &FieldPath| true, |path: &FieldPath| path.root() == "tags"] {
            let (sieve, exact) = sieve.narrowed(&known);
            let passes = sieve.passes(&twin);
            prop_assert!(if exact { passes == selected } else { passes || !selected }, "{:?}", sieve);
            prop_assert_eq!(sieve.conjuncts().iter().all(|test| test.passes(&twin)), passes);
            prop_assert!(sieve.paths().into_iter().all(known));
        }
    }
}
