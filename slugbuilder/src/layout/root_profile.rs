//! What the app's own folder has for its start, where the source holds several apps.
//!
//! Heroku sources `.profile.d/*.sh` and then `.profile` of the slug's top (section 2.10 of the reference). An app that
//! was at the top of its own repository has its files there; below another top they would never run.

use super::shell::quote_word;
use crate::app_root::AppRoot;
use std::path::Path;

/// Where the script stands, relative to the app directory: after every other one of `.profile.d`, before `.profile`.
pub const ROOT_PROFILE_SCRIPT_PATH: &str = ".profile.d/zzz_slugbuilder_root.sh";

/// A script that sources, in the folder of the app, what Heroku sources at the top; nothing if there is nothing.
/// `app_dir` is where the built app is now.
#[must_use]
pub fn root_profile_script(root: &AppRoot, app_dir: &Path) -> Option<String> {
    let folder = app_dir.join(root.as_str());
    let is_there = |name: &str| folder.join(name).symlink_metadata().is_ok();
    if !is_there(".profile") && !is_there(".profile.d") {
        return None;
    }
    let root = quote_word(root.as_str());
    Some(format!(
        "# What the app's own folder has for its start, sourced there. Written by slugbuilder.\n\
         __slugbuilder_home=$HOME\n\
         if cd \"$HOME\"/{root}; then\n\
         for __slugbuilder_script in .profile.d/*.sh .profile; do\n\
         if [ -r \"$__slugbuilder_script\" ]; then . \"./$__slugbuilder_script\"; fi\n\
         done\n\
         cd \"$__slugbuilder_home\"\n\
         fi\n\
         unset __slugbuilder_home __slugbuilder_script\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn scripts_of_the_folder_run_in_it_and_in_order() {
        let app = tempfile::tempdir().unwrap();
        let root = AppRoot::parse(Path::new("my apps/api")).unwrap().unwrap();
        assert_eq!(root_profile_script(&root, app.path()), None);
        let folder = app.path().join("my apps/api");
        std::fs::create_dir_all(folder.join(".profile.d")).unwrap();
        for (name, text) in [
            (".profile.d/a.sh", "SAID=a"),
            (".profile.d/b.sh", "SAID=$SAID-b; HOME=/elsewhere"),
            (".profile", "SAID=$SAID-${PWD##*/}"),
        ] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let script = root_profile_script(&root, app.path()).unwrap();
        let output = Command::new("bash")
            .arg("-c")
            .arg(format!("{script}\necho $SAID; pwd; set | grep ^__slug"))
            .current_dir(app.path())
            .env("HOME", app.path())
            .output()
            .unwrap();
        let expected = format!("a-b-api\n{}\n", app.path().display());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    }
}
