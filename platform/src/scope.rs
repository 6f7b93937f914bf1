//! What a token may be used for: the scopes of an OAuth authorization.
//!
//! The names are Heroku's. What each allows follows from its documentation of OAuth: `identity` tells who someone is; `read`
//! and `write` are for apps and what belongs to them, but for config vars and all that leads to them, which `read-protected` and `write-protected`
//! are for, too; `global` is for everything, and alone for the account itself: its settings, keys and authorizations.

use std::collections::BTreeSet;
use std::fmt;

/// One thing that a token may be used for. Of a request: the least that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everything.
    Global,
    /// Learning whose token it is.
    Identity,
    /// Reading, but for config vars.
    Read,
    /// Reading.
    ReadProtected,
    /// Reading and changing, but for config vars.
    Write,
    /// Reading and changing.
    WriteProtected,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Global,
        Self::Identity,
        Self::Read,
        Self::ReadProtected,
        Self::Write,
        Self::WriteProtected,
    ];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Identity => "identity",
            Self::Read => "read",
            Self::ReadProtected => "read-protected",
            Self::Write => "write",
            Self::WriteProtected => "write-protected",
        }
    }

    /// Whether a token of this scope may be used for what needs the other one.
    fn covers(self, needed: Self) -> bool {
        match needed {
            Self::Global => self == Self::Global,
            Self::WriteProtected => matches!(self, Self::Global | Self::WriteProtected),
            Self::Write => matches!(self, Self::Global | Self::WriteProtected | Self::Write),
            Self::ReadProtected => {
                matches!(
                    self,
                    Self::Global | Self::WriteProtected | Self::ReadProtected
                )
            }
            Self::Read => self != Self::Identity,
            Self::Identity => true,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Names that are no scopes, or none at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopesError {
    /// A name that is none.
    #[error("`{}` is no scope; there are {}", .0.escape_debug(), names(&Scope::ALL))]
    Unknown(
        /// The name.
        String,
    ),
    /// An empty list.
    #[error("`scope` is empty; there are {}", names(&Scope::ALL))]
    None,
}

/// The scopes of one token: what any of them allows is allowed. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// What tokens have that are not limited.
    #[must_use]
    pub fn global() -> Self {
        Self([Scope::Global].into())
    }

    /// The scopes of these names.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, ScopesError> {
        let scopes = names.into_iter().map(|name| {
            let known = Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
            known.ok_or_else(|| ScopesError::Unknown(name.to_owned()))
        });
        let scopes: BTreeSet<Scope> = scopes.collect::<Result<_, _>>()?;
        if scopes.is_empty() {
            return Err(ScopesError::None);
        }
        Ok(Self(scopes))
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|scope| scope.as_str()).collect()
    }

    /// Whether a token of these scopes may be used for what needs this one.
    #[must_use]
    pub fn allow(&self, needed: Scope) -> bool {
        self.0.iter().any(|scope| scope.covers(needed))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&names(&self.0.iter().copied().collect::<Vec<_>>()))
    }
}

/// Names in backticks, divided by commas.
fn names(scopes: &[Scope]) -> String {
    let quoted: Vec<String> = scopes.iter().map(|scope| format!("`{scope}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_scope_allows() {
        let table = [
            // What needs:      global, identity, read, read-protected, write, write-protected
            ("global", [true, true, true, true, true, true]),
            ("identity", [false, true, false, false, false, false]),
            ("read", [false, true, true, false, false, false]),
            ("read-protected", [false, true, true, true, false, false]),
            ("write", [false, true, true, false, true, false]),
            ("write-protected", [false, true, true, true, true, true]),
        ];
        for (name, allowed) in table {
            let scopes = Scopes::of([name]).unwrap();
            assert_eq!(
                Scope::ALL.map(|needed| scopes.allow(needed)),
                allowed,
                "{name}"
            );
        }
        let two = Scopes::of(["identity", "read", "read"]).unwrap();
        assert!(two.allow(Scope::Read) && !two.allow(Scope::Write));
        assert_eq!(two.names(), ["identity", "read"]);
    }

    #[test]
    fn other_names_are_told() {
        let error = Scopes::of(["global", "all"]).unwrap_err().to_string();
        insta::assert_snapshot!(error, @"`all` is no scope; there are `global`, `identity`, `read`, `read-protected`, `write`, `write-protected`");
        assert_eq!(Scopes::of([]), Err(ScopesError::None));
    }
}
