use super::*;
use crate::cnb::{BuildpackDescriptor, BuildpackPrograms};
use slugbuilder_report::{Diagnosis, Style};
use std::path::Path;
use std::time::Instant;

fn buildpack(id: &str, order: &str) -> Buildpack {
    let text = format!("api='0.10'\nbuildpack={{id='{id}',version='1'}}\n{order}");
    Buildpack {
        descriptor: BuildpackDescriptor::parse(Path::new("buildpack.toml"), text.as_bytes())
            .unwrap(),
        directory: "/buildpack".into(),
        programs: BuildpackPrograms::Files,
    }
}

fn order(groups: &str) -> Order {
    Order::parse(Path::new("order.toml"), groups.as_bytes()).unwrap()
}

fn tried(order: &Order, buildpacks: &[Buildpack]) -> Result<Vec<String>, CnbError> {
    let mut tried = Vec::new();
    order.first::<()>(buildpacks, &Stop::default(), &mut |members| {
        let name = |member: &Member<'_>| {
            format!(
                "{}{}",
                member.buildpack.descriptor.id,
                if member.optional { "?" } else { "" }
            )
        };
        tried.push(members.iter().map(name).collect::<Vec<_>>().join(" "));
        Ok(None)
    })?;
    Ok(tried)
}

#[test]
fn composites_are_replaced_in_place_depth_first_and_left_to_right() {
    let buildpacks = [
        buildpack("a", ""),
        buildpack("b", ""),
        buildpack("c", ""),
        buildpack(
            "inner",
            "[[order]]\ngroup=[{id='b'}]\n[[order]]\ngroup=[{id='c',optional=true}]\n",
        ),
        buildpack(
            "outer",
            "[[order]]\ngroup=[{id='inner'},{id='a'}]\n[[order]]\ngroup=[{id='c'}]\n",
        ),
    ];
    let order = order(
        "[[order]]\ngroup=[{id='outer'},{id='b'}]\n[[order]]\ngroup=[{id='a',version='1'}]\n",
    );
    assert_eq!(
        tried(&order, &buildpacks).unwrap(),
        ["b a", "c? a b", "c b", "a"]
    );
}

#[test]
fn an_optional_composite_falls_through_to_the_rest() {
    let buildpacks = [
        buildpack("a", ""),
        buildpack("b", ""),
        buildpack("outer", "[[order]]\ngroup=[{id='a'}]\n"),
    ];
    let order = order("[[order]]\ngroup=[{id='outer',optional=true},{id='b'}]\n");
    assert_eq!(tried(&order, &buildpacks).unwrap(), ["a b", "b"]);
}

#[test]
fn a_second_occurrence_of_an_id_is_ignored() {
    let buildpacks = [buildpack("a", ""), buildpack("b", "")];
    let order = order("[[order]]\ngroup=[{id='a'},{id='b'},{id='a',optional=true}]\n");
    assert_eq!(tried(&order, &buildpacks).unwrap(), ["a b"]);
}

#[test]
fn elements_for_other_execution_environments_take_no_part() {
    let buildpacks = [buildpack("a", ""), buildpack("b", "")];
    let order =
        order("[[order]]\ngroup=[{id='a',exec-env=['test']},{id='b',exec-env=['production']}]\n");
    assert_eq!(tried(&order, &buildpacks).unwrap(), ["b"]);
}

#[test]
fn circles_unknown_buildpacks_and_explosions_are_refused() {
    let circle = [
        buildpack("a", "[[order]]\ngroup=[{id='b'}]\n"),
        buildpack("b", "[[order]]\ngroup=[{id='a'}]\n"),
    ];
    let render = |error: CnbError| Diagnosis::of(&error).render(Style::Plain);
    let one = order("[[order]]\ngroup=[{id='a'}]\n");
    insta::assert_snapshot!(render(tried(&one, &circle).unwrap_err()), @r"
    error[cyclic-order]: the order of composite buildpack `a@1` leads back to itself

      The circle is a@1 → b@1 → a@1.
    ");
    let other = [buildpack("b", "")];
    insta::assert_snapshot!(render(tried(&one, &other).unwrap_err()), @r"
    error[unknown-buildpack]: the order asks for buildpack `a`, which is not there

      hint: The buildpacks that are there: b@1.
    ");

    let mut many: Vec<Buildpack> = (0..20)
        .map(|index| buildpack(&format!("c{index}"), "[[order]]\ngroup=[{id='b'}]\n"))
        .collect();
    many.push(buildpack("b", ""));
    let elements: Vec<String> = (0..20)
        .map(|index| format!("{{id='c{index}',optional=true}}"))
        .collect();
    let error = tried(
        &order(&format!("[[order]]\ngroup=[{}]\n", elements.join(","))),
        &many,
    )
    .unwrap_err();
    insta::assert_snapshot!(render(error), @"error[too-many-alternatives]: there are more than 10000 groups of buildpacks to try");
}

/// Composites `c0` to `c<last>`, of which each has `order` with the next one's id for `next`; the last has `leaf`.
fn chain(last: usize, order: &str) -> Vec<Buildpack> {
    let mut buildpacks: Vec<Buildpack> = (0..=last)
        .map(|index| {
            let next = match index {
                _ if index == last => "leaf".to_owned(),
                _ => format!("c{}", index + 1),
            };
            buildpack(&format!("c{index}"), &order.replace("next", &next))
        })
        .collect();
    buildpacks.push(buildpack("leaf", ""));
    buildpacks
}

fn refused(buildpacks: &[Buildpack]) -> String {
    let order = order("[[order]]\ngroup=[{id='c0'}]\n");
    let error = tried(&order, buildpacks).unwrap_err();
    Diagnosis::of(&error).render(Style::Plain)
}

#[test]
fn composites_that_double_groups_end() {
    let order = "[[order]]\ngroup=[{id='next'}]\n[[order]]\ngroup=[{id='next'}]\n";
    insta::assert_snapshot!(refused(&chain(30, order)), @"error[too-many-alternatives]: there are more than 10000 groups of buildpacks to try");
}

#[test]
fn composites_that_double_the_length_of_a_group_end() {
    let order = "[[order]]\ngroup=[{id='next'},{id='next'}]\n";
    insta::assert_snapshot!(refused(&chain(30, order)), @"error[too-many-alternatives]: there are more than 100000 entries of groups to try");
}

#[test]
fn composites_may_be_nested_so_deep_and_no_deeper() {
    let order = "[[order]]\ngroup=[{id='next'}]\n";
    let outermost = super::Order::parse(Path::new("o"), b"[[order]]\ngroup=[{id='c0'}]\n");
    assert_eq!(
        tried(&outermost.unwrap(), &chain(LEVEL_LIMIT - 1, order)).unwrap(),
        ["leaf"]
    );
    insta::assert_snapshot!(refused(&chain(LEVEL_LIMIT, order)), @"error[too-many-alternatives]: there are more than 32 levels of composite buildpacks to try");
    // Known from before, and deeper where it is met again.
    let mut again = chain(LEVEL_LIMIT - 1, order);
    again.push(buildpack("outer", "[[order]]\ngroup=[{id='c0'}]\n"));
    let both = super::Order::parse(
        Path::new("o"),
        b"[[order]]\ngroup=[{id='c0'},{id='outer'}]\n",
    );
    let error = both.unwrap().check(&again).unwrap_err();
    assert!(matches!(error, CnbError::TooMany { .. }), "{error}");
}

#[test]
fn an_order_has_only_so_many_entries() {
    let entries = "{id='leaf'},".repeat(ENTRY_LIMIT + 1);
    let composite = buildpack("c0", &format!("[[order]]\ngroup=[{entries}]\n"));
    insta::assert_snapshot!(refused(&[composite, buildpack("leaf", "")]), @"error[too-many-alternatives]: there are more than 100000 entries of orders to try");
}

#[test]
fn the_search_ends_when_the_build_has_to() {
    let order = order("[[order]]\ngroup=[{id='a'}]\n");
    let interrupt = crate::sandbox::Interrupt::new().unwrap();
    let stop = Stop::new(&interrupt, Some(Instant::now()));
    let error = order
        .first::<()>(&[buildpack("a", "")], &stop, &mut |_| Ok(None))
        .unwrap_err();
    insta::assert_snapshot!(Diagnosis::of(&error).render(Style::Plain), @r"
    error[timed-out]: detect of buildpack `slugbuilder` ran out of time

      hint: Allow more time with `--timeout`, if the build is not stuck.
    ");
}
