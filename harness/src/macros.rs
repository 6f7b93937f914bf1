//! The assertions of `libcnb-test`: what they take, and what they say.

/// Asserts that `left` contains `right`, as [`str::contains`] has it.
///
/// ```
/// use slugbuilder_test::assert_contains;
///
/// assert_contains!("Hello World!\nHello Test!", "Test");
/// ```
#[macro_export]
macro_rules! assert_contains {
    ($left:expr, $right:expr $(,)?) => {{
        if !$left.contains($right) {
            $crate::__assertion_failed!("`(left contains right)`", $left, $right)
        }
    }};
    ($left:expr, $right:expr, $($message:tt)+) => {{
        if !$left.contains($right) {
            $crate::__assertion_failed!("`(left contains right)`", $left, $right, $($message)+)
        }
    }};
}

/// Asserts that `left` does not contain `right`, as [`str::contains`] has it.
///
/// ```
/// use slugbuilder_test::assert_not_contains;
///
/// assert_not_contains!("Hello World!\nHello Test!", "Bahamas");
/// ```
#[macro_export]
macro_rules! assert_not_contains {
    ($left:expr, $right:expr $(,)?) => {{
        if $left.contains($right) {
            $crate::__assertion_failed!("`(left does not contain right)`", $left, $right)
        }
    }};
    ($left:expr, $right:expr, $($message:tt)+) => {{
        if $left.contains($right) {
            $crate::__assertion_failed!("`(left does not contain right)`", $left, $right, $($message)+)
        }
    }};
}

/// Asserts that the value is empty, as [`str::is_empty`] has it.
///
/// ```
/// use slugbuilder_test::assert_empty;
///
/// assert_empty!("");
/// ```
#[macro_export]
macro_rules! assert_empty {
    ($value:expr $(,)?) => {{
        if !$value.is_empty() {
            $crate::__assertion_failed!("`(is empty)`", $value)
        }
    }};
    ($value:expr, $($message:tt)+) => {{
        if !$value.is_empty() {
            ::std::panic!(
                "assertion failed: `(is empty)`\nvalue (unescaped):\n{}\n\nvalue (escaped): `{:?}`: {}",
                $value, $value, ::core::format_args!($($message)+)
            )
        }
    }};
}

/// Asserts that `left` matches `right`, a regular expression in multi-line mode (`(?-m)` ends that).
///
/// ```
/// use slugbuilder_test::assert_contains_match;
///
/// assert_contains_match!("Hello World!\nHello Test!", "World!$");
/// ```
#[macro_export]
macro_rules! assert_contains_match {
    ($left:expr, $right:expr $(,)?) => {{
        let regex = $crate::__regex!($right);
        if !regex.is_match(&$left) {
            $crate::__assertion_failed!("`(left matches right pattern)`", $left, regex)
        }
    }};
    ($left:expr, $right:expr, $($message:tt)+) => {{
        let regex = $crate::__regex!($right);
        if !regex.is_match(&$left) {
            $crate::__assertion_failed!("`(left matches right pattern)`", $left, regex, $($message)+)
        }
    }};
}

/// Asserts that `left` does not match `right`, a regular expression in multi-line mode (`(?-m)` ends that).
///
/// ```
/// use slugbuilder_test::assert_not_contains_match;
///
/// assert_not_contains_match!("Hello World!\nHello Test!", "^Test!");
/// ```
#[macro_export]
macro_rules! assert_not_contains_match {
    ($left:expr, $right:expr $(,)?) => {{
        let regex = $crate::__regex!($right);
        if regex.is_match(&$left) {
            $crate::__assertion_failed!("`(left does not match right pattern)`", $left, regex)
        }
    }};
    ($left:expr, $right:expr, $($message:tt)+) => {{
        let regex = $crate::__regex!($right);
        if regex.is_match(&$left) {
            $crate::__assertion_failed!("`(left does not match right pattern)`", $left, regex, $($message)+)
        }
    }};
}

/// Asserts that an expression matches a pattern, with a guard where it has one.
///
/// ```
/// use slugbuilder_test::assert_matches;
///
/// let result: Result<i32, String> = Ok(42);
/// assert_matches!(result, Ok(x) if x > 40, "value should be greater than 40");
/// ```
#[macro_export]
macro_rules! assert_matches {
    ($expression:expr, $pattern:pat $(if $guard:expr)? $(,)?) => {
        match $expression {
            $pattern $(if $guard)? => {}
            ref actual => ::std::panic!(
                "Expected match pattern: {}, but got {:?}",
                ::core::stringify!($pattern $(if $guard)?), actual
            ),
        }
    };
    ($expression:expr, $pattern:pat $(if $guard:expr)?, $($message:tt)+) => {
        match $expression {
            $pattern $(if $guard)? => {}
            ref actual => ::std::panic!(
                "Expected match pattern: {}, but got {:?}: {}",
                ::core::stringify!($pattern $(if $guard)?), actual, ::core::format_args!($($message)+)
            ),
        }
    };
}

/// For the macros above.
#[doc(hidden)]
#[macro_export]
macro_rules! __regex {
    ($pattern:expr) => {
        $crate::private::Regex::new(&::std::format!("(?m){}", $pattern))
            .expect("should be a valid regex")
    };
}

/// For the macros above.
#[doc(hidden)]
#[macro_export]
macro_rules! __assertion_failed {
    ($what:literal, $value:expr) => {
        ::std::panic!(
            "assertion failed: {}\nvalue (unescaped):\n{}\n\nvalue (escaped): `{:?}`",
            $what, $value, $value
        )
    };
    ($what:literal, $left:expr, $right:expr) => {
        ::std::panic!(
            "assertion failed: {}\nleft (unescaped):\n{}\n\nleft (escaped): `{:?}`\nright: `{:?}`",
            $what, $left, $left, $right
        )
    };
    ($what:literal, $left:expr, $right:expr, $($message:tt)+) => {
        ::std::panic!(
            "assertion failed: {}\nleft (unescaped):\n{}\n\nleft (escaped): `{:?}`\nright: `{:?}`: {}",
            $what, $left, $left, $right, ::core::format_args!($($message)+)
        )
    };
}
