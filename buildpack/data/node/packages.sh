#!/bin/sh
# Lets the processes of a Node.js app find its packages. Written by slugbuilder.
#
#   packages 3>TOML
#
# It is started in the app directory, wherever that is. What it adds comes last, so that what is set already wins.

# Makes `quoted` the text $1 with a backslash before each `\` and `"`.
quote() {
  rest=$1
  quoted=
  while [ -n "$rest" ]; do
    plain=${rest%%[\\\"]*}
    quoted=$quoted$plain
    rest=${rest#"$plain"}
    if [ -n "$rest" ]; then
      after=${rest#?}
      quoted=$quoted\\${rest%"$after"}
      rest=$after
    fi
  done
}

# Sets the variable $1 to $2 for the process. TOML has no line breaks in such a string, and no path of an app has one.
set_variable() {
  quote "$2"
  printf '%s = "%s"\n' "$1" "$quoted" >&3
}

# The end of PATH and of NODE_OPTIONS.
path=
options=

# Adds the folder $1 of the app to PATH.
programs() {
  path=$path:$PWD/$1
}

# Adds the option $1 with the file $2 of the app to NODE_OPTIONS, in quotes as Node.js reads them.
option() {
  quote "$PWD/$2"
  options="$options $1 \"$quoted\""
}

