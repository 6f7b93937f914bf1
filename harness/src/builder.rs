//! Which stack a builder's name means.

use slugbuilder::stack::Stack;

/// The stack of `name`: a builder of Heroku's (`heroku/builder:24`), or a stack (`heroku-24`). Panics for others.
pub(crate) fn stack(name: &str) -> Stack {
    named(name).unwrap_or_else(|| {
        let known: Vec<String> = Stack::names()
            .map(|stack| match stack.strip_prefix("heroku-") {
                Some(number) => format!("heroku/builder:{number} (or {stack})"),
                None => stack.to_owned(),
            })
            .collect();
        panic!(
            "the builder `{name}` is not known here, where there is no Docker to get it with\nKnown are: {}.",
            known.join(", ")
        )
    })
}

fn named(name: &str) -> Option<Stack> {
    let stack = match name
        .strip_prefix("heroku/")
        .map(|rest| rest.split_once(':'))
    {
        None => name.to_owned(),
        Some(Some(("builder", tag))) => {
            // `24_linux-amd64` names one machine's image of `24`.
            let number = tag.split('_').next().unwrap_or(tag);
            format!("heroku-{number}")
        }
        Some(Some(("heroku", tag))) => {
            let number = tag.split(['-', '_']).next().unwrap_or(tag);
            format!("heroku-{number}")
        }
        Some(_) => return None,
    };
    Stack::named(&stack).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builders_and_stacks_are_known_by_name() {
        for name in [
            "heroku/builder:24",
            "heroku/builder:24_linux-amd64",
            "heroku/heroku:24-cnb-build",
            "heroku-24",
        ] {
            assert_eq!(stack(name).name, "heroku-24", "{name}");
        }
        assert_eq!(stack("heroku/builder:22").name, "heroku-22");
    }

    #[test]
    #[should_panic(expected = "Known are: heroku/builder:22 (or heroku-22), ")]
    fn others_are_refused_with_those_that_are_known() {
        stack("paketobuildpacks/builder-jammy-base");
    }

    #[test]
    #[should_panic(expected = "the builder `heroku/builder:20` is not known here")]
    fn stacks_that_have_ended_are_not_known() {
        stack("heroku/builder:20");
    }
}
