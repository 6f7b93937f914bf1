//! From text to [`PackageJson`].

use super::values::{Found, Reader};
use super::{DevEngine, DevEngines, Engines, OnFail, PackageJson, Texts, Volta};
use crate::node::json::{Kind, Located, Members, kind};
use serde_json::value::RawValue;

/// The scripts that a build runs or a process starts: these have to be strings.
const SCRIPTS: [&str; 10] = [
    "heroku-prebuild",
    "heroku-postbuild",
    "heroku-cleanup",
    "preinstall",
    "install",
    "postinstall",
    "build",
    "prestart",
    "start",
    "poststart",
];

pub(super) fn read(path: &str, text: &str) -> Found<PackageJson> {
    let (mut reader, fields) = Reader::of(path, text)?;
    let name = reader.text_of(&fields, "", "name", "a string such as \"shop\"")?;
    let engine = "a string such as \"24.x\"";
    let engines = reader.object(&fields, "engines", "an object such as {\"node\": \"24.x\"}")?;
    let volta = reader.object(&fields, "volta", "an object such as {\"node\": \"24.1.0\"}")?;
    let mut package = PackageJson {
        path: path.to_owned(),
        version: reader.text_of(&fields, "", "version", "a string such as \"1.0.0\"")?,
        private: fields.get("private").is_some_and(is_true),
        main: reader.text_if(fields.get("main")),
        module_type: reader.text_if(fields.get("type")),
        bin: reader.bin(fields.get("bin"), name.as_ref().map(|name| &name.value))?,
        name,
        engines: Engines {
            node: reader.text_of(&engines, "engines.", "node", engine)?,
            npm: reader.text_of(&engines, "engines.", "npm", engine)?,
            yarn: reader.text_of(&engines, "engines.", "yarn", engine)?,
            pnpm: reader.text_of(&engines, "engines.", "pnpm", engine)?,
        },
        dev_engines: reader.dev_engines(&fields)?,
        volta: Volta {
            node: reader.text_of(&volta, "volta.", "node", engine)?,
            npm: reader.text_of(&volta, "volta.", "npm", engine)?,
            yarn: reader.text_of(&volta, "volta.", "yarn", engine)?,
            pnpm: reader.text_of(&volta, "volta.", "pnpm", engine)?,
            extends: reader.text_of(
                &volta,
                "volta.",
                "extends",
                "a path such as \"../package.json\"",
            )?,
        },
        package_manager: reader.text_of(
            &fields,
            "",
            "packageManager",
            "a string such as \"pnpm@10.0.0\"",
        )?,
        scripts: reader.scripts(&fields)?,
        dependencies: reader.dependencies(&fields, "dependencies")?,
        dev_dependencies: reader.dependencies(&fields, "devDependencies")?,
        optional_dependencies: reader.dependencies(&fields, "optionalDependencies")?,
        peer_dependencies: reader.dependencies(&fields, "peerDependencies")?,
        workspaces: reader.workspaces(&fields)?,
        cache_directories: reader.cache_directories(&fields)?,
        pnpm: reader.pnpm(fields.get("pnpm"))?,
        os: reader.texts(fields.get("os"), "os", "a list such as [\"linux\"]")?,
        cpu: reader.texts(fields.get("cpu"), "cpu", "a list such as [\"x64\"]")?,
        duplicates: Vec::new(),
    };
    package.duplicates = reader.duplicates;
    Ok(package)
}

impl<'a> Reader<'a> {
    fn bin(&mut self, value: Option<&'a RawValue>, name: Option<&String>) -> Found<Texts> {
        let mut found = Texts::new();
        match value {
            Some(value) if kind(value) == Kind::Object => {
                for (name, value) in self.members(value, "bin.")?.0 {
                    if let Some(path) = self.text_if(Some(value)) {
                        found.insert(name, path);
                    }
                }
            }
            value => {
                if let (Some(path), Some(name)) = (self.text_if(value), name) {
                    let own = name.rsplit('/').next().unwrap_or(name);
                    found.insert(own.to_owned(), path);
                }
            }
        }
        Ok(found)
    }

    fn scripts(&mut self, fields: &Members<'a>) -> Found<Texts> {
        let scripts = self.object(
            fields,
            "scripts",
            "an object such as {\"start\": \"node server.js\"}",
        )?;
        let mut found = Texts::new();
        for (name, value) in scripts.0 {
            match self.string(
                value,
                &format!("scripts.{name}"),
                "a string such as \"node server.js\"",
            ) {
                Ok(script) => {
                    found.insert(name, script);
                }
                Err(error) if SCRIPTS.contains(&name.as_str()) && kind(value) != Kind::Null => {
                    return Err(error);
                }
                // The last one counts, and it says nothing.
                Err(_) => {
                    found.remove(&name);
                }
            }
        }
        Ok(found)
    }

    fn dependencies(&mut self, fields: &Members<'a>, field: &str) -> Found<Texts> {
        let mut found = Texts::new();
        for (name, value) in self
            .object(fields, field, "an object such as {\"express\": \"^5.0.0\"}")?
            .0
        {
            let range = self.string(
                value,
                &format!("{field}.{name}"),
                "a string such as \"^5.0.0\"",
            )?;
            found.insert(name, range);
        }
        Ok(found)
    }

    fn dev_engines(&mut self, fields: &Members<'a>) -> Found<DevEngines> {
        let members = self.object(
            fields,
            "devEngines",
            "an object such as {\"runtime\": {\"name\": \"node\", \"version\": \"24.x\"}}",
        )?;
        Ok(DevEngines {
            runtime: self.dev_engine_list(members.get("runtime"), "devEngines.runtime")?,
            package_manager: self
                .dev_engine_list(members.get("packageManager"), "devEngines.packageManager")?,
        })
    }

    fn dev_engine_list(
        &mut self,
        value: Option<&'a RawValue>,
        field: &str,
    ) -> Found<Vec<DevEngine>> {
        const EXPECTED: &str = "an object such as {\"name\": \"node\", \"version\": \"24.x\"}";
        match value {
            None => Ok(Vec::new()),
            Some(value) if kind(value) == Kind::Object => Ok(vec![self.dev_engine(value, field)?]),
            Some(value) => {
                let mut found = Vec::new();
                for (index, element) in self
                    .elements(value, field, EXPECTED)?
                    .into_iter()
                    .enumerate()
                {
                    let field = format!("{field}[{index}]");
                    if kind(element) != Kind::Object {
                        return Err(self.wrong_type(element, &field, EXPECTED));
                    }
                    found.push(self.dev_engine(element, &field)?);
                }
                Ok(found)
            }
        }
    }

    fn dev_engine(&mut self, value: &'a RawValue, field: &str) -> Found<DevEngine> {
        const ON_FAIL: &str = "one of \"ignore\", \"warn\", \"error\" and \"download\"";
        let prefix = format!("{field}.");
        let members = self.members(value, &prefix)?;
        let name = self
            .text_of(&members, &prefix, "name", "a string such as \"node\"")?
            .ok_or_else(|| {
                self.unreadable(
                    value,
                    field,
                    "has no `name`",
                    "a name such as \"node\" into it",
                )
            })?;
        let on_fail = match self.text_of(&members, &prefix, "onFail", ON_FAIL)? {
            None => None,
            Some(Located { value: word, .. }) => Some(match word.as_str() {
                "ignore" => OnFail::Ignore,
                "warn" => OnFail::Warn,
                "error" => OnFail::Error,
                "download" => OnFail::Download,
                _ => {
                    let at = members.get("onFail").unwrap_or(value);
                    let problem = format!("is `{word}`");
                    return Err(self.unreadable(at, &format!("{prefix}onFail"), problem, ON_FAIL));
                }
            }),
        };
        Ok(DevEngine {
            name,
            version: self.text_of(&members, &prefix, "version", "a string such as \"24.x\"")?,
            on_fail,
        })
    }

    fn workspaces(&mut self, fields: &Members<'a>) -> Found<Option<Vec<Located<String>>>> {
        const EXPECTED: &str = "a list such as [\"packages/*\"]";
        match fields.get("workspaces") {
            None => Ok(None),
            Some(value) if kind(value) == Kind::Object => {
                let members = self.members(value, "workspaces.")?;
                self.texts(members.get("packages"), "workspaces.packages", EXPECTED)
                    .map(Some)
            }
            Some(value) if kind(value) == Kind::Array => {
                self.texts(Some(value), "workspaces", EXPECTED).map(Some)
            }
            Some(value) => Err(self.wrong_type(value, "workspaces", EXPECTED)),
        }
    }

    fn cache_directories(&self, fields: &Members<'a>) -> Found<Vec<Located<String>>> {
        let mut found = Vec::new();
        for name in ["cacheDirectories", "cache_directories"] {
            let expected = "a list such as [\".next/cache\"]";
            found.extend(self.texts(fields.get(name), name, expected)?);
        }
        Ok(found)
    }

    fn pnpm(&self, value: Option<&RawValue>) -> Found<Option<Located<serde_json::Value>>> {
        const EXPECTED: &str = "an object such as {\"overrides\": {}}";
        let Some(value) = value else {
            return Ok(None);
        };
        if kind(value) != Kind::Object {
            return Err(self.wrong_type(value, "pnpm", EXPECTED));
        }
        match serde_json::from_str(value.get()) {
            Ok(settings) => Ok(Some(Located {
                value: settings,
                line: self.line(value),
            })),
            Err(error) => {
                Err(self.unreadable(value, "pnpm", format!("cannot be read ({error})"), EXPECTED))
            }
        }
    }
}

/// JavaScript's truth.
fn is_true(value: &RawValue) -> bool {
    !matches!(value.get(), "false" | "null" | "\"\"" | "0" | "-0")
}
