# Runs the exec.d programs of buildpacks when a process starts. Written by slugbuilder; it needs bash 4.4 and nothing else.
#
#   /bin/bash -p exec_d.bash APP PROGRAM... 4>&1
#
# Each program gets the variables that are set by now, those of the programs before it among them, nothing on stdin, and
# file descriptor 3, to which it writes TOML: keys with strings as values. What comes of all of them is written to
# stdout as commands for `eval`. The programs' own stdout is file descriptor 4. If one fails, or writes anything else,
# this ends with status 1, and with it the start of the process.
#
# The TOML is read here, as TOML 1.1 has it, and is hostile: nothing of it is ever evaluated but in quotes.
#
# A variable of this shell whose name is in the environment would be handed on in its place. So only processes that start
# no program assign any, and the one that does has a single one, with a name of ours.

fail() {
  printf 'slugbuilder: %s\n' "$1" >&2
  exit 1
}

wrong() {
  fail "the exec.d program \`$program\` wrote something else than TOML with strings: $1"
}

# `rest` is what is not read yet of a program's TOML. Everything below works on bytes, in the locale `C`.

skip_blanks() {
  rest=${rest#"${rest%%[!$' \t']*}"}
}

# Only at the end of a line: the newline stays.
skip_comment() {
  if [[ $rest == '#'* ]]; then
    rest=${rest#"${rest%%$'\n'*}"}
  fi
}

# A code point of $1 hexadecimal digits behind the backslash and its letter, in UTF-8 at the end of `text`.
take_code_point() {
  local digits=${rest:2:$1} code bytes
  if [[ ${#digits} -ne $1 || $digits == *[!0123456789abcdefABCDEF]* ]]; then
    wrong "an escape without its $1 hexadecimal digits"
  fi
  code=$((16#$digits))
  if ((code == 0)); then
    wrong 'a NUL character, which no variable can hold'
  elif ((code < 0x80)); then
    printf -v bytes '\\x%02x' "$code"
  elif ((code < 0x800)); then
    printf -v bytes '\\x%02x' $((0xc0 | code >> 6)) $((0x80 | code & 0x3f))
  elif ((code >= 0xd800 && code < 0xe000 || code > 0x10ffff)); then
    wrong "an escape of what is no character: $digits"
  elif ((code < 0x10000)); then
    printf -v bytes '\\x%02x' $((0xe0 | code >> 12)) $((0x80 | code >> 6 & 0x3f)) $((0x80 | code & 0x3f))
  else
    printf -v bytes '\\x%02x' $((0xf0 | code >> 18)) $((0x80 | code >> 12 & 0x3f)) \
      $((0x80 | code >> 6 & 0x3f)) $((0x80 | code & 0x3f))
  fi
  printf -v bytes '%b' "$bytes"
  text+=$bytes
  rest=${rest:2 + $1}
}

# An escape of a basic string; $1 says whether it may have several lines.
take_escape() {
  local after
  case ${rest:1:1} in
    b) text+=$'\b' ;;
    t) text+=$'\t' ;;
    n) text+=$'\n' ;;
    f) text+=$'\f' ;;
    r) text+=$'\r' ;;
    e) text+=$'\e' ;;
    '"') text+='"' ;;
    \\) text+=\\ ;;
    x) take_code_point 2; return ;;
    u) take_code_point 4; return ;;
    U) take_code_point 8; return ;;
    *)
      after=${rest:1}
      after=${after#"${after%%[!$' \t']*}"}
      if [[ $1 != lines || $after != $'\n'* && $after != $'\r\n'* ]]; then
        wrong 'an escape that TOML does not have'
      fi
      rest=${after#"${after%%[!$' \t\r\n']*}"}
      return
      ;;
  esac
  rest=${rest:2}
}

# The string at the front of `rest`; its value is in `text`. $1 is `lines` where it may have several lines.
take_string() {
  local quote=${rest:0:1} lines= stop chunk quotes
  text=
  if [[ $rest == "$quote$quote$quote"* ]]; then
    [[ $1 == lines ]] || wrong 'a key that may have several lines'
    lines=lines
    rest=${rest:3}
    if [[ $rest == $'\r\n'* ]]; then
      rest=${rest:2}
    elif [[ $rest == $'\n'* ]]; then
      rest=${rest:1}
    fi
    stop="[$quote"
  else
    rest=${rest:1}
    stop="[$quote"$'\n'
  fi
  # A backslash means something in basic strings only.
  if [[ $quote == '"' ]]; then
    stop+='\\]'
  else
    stop+=']'
  fi
  while :; do
    chunk=${rest%%$stop*}
    text+=$chunk
    rest=${rest:${#chunk}}
    case $rest in
      '' | $'\n'*) wrong 'a string without an end' ;;
      \\*) take_escape "$lines" ;;
      *)
        if [[ -z $lines ]]; then
          rest=${rest:1}
          return
        fi
        # Up to two quotes may stand before the three that end it.
        quotes=${rest%%[!$quote]*}
        quotes=${quotes:0:5}
        rest=${rest:${#quotes}}
        if [[ ${#quotes} -ge 3 ]]; then
          text+=${quotes:3}
          return
        fi
        text+=$quotes
        ;;
    esac
  done
}

check_utf_8() {
  local left=$1
  while left=${left#"${left%%[$'\x80'-$'\xff']*}"} && [[ -n $left ]]; do
    case $left in
      [$'\xc2'-$'\xdf'][$'\x80'-$'\xbf']*) left=${left:2} ;;
      $'\xe0'[$'\xa0'-$'\xbf'][$'\x80'-$'\xbf']*) left=${left:3} ;;
      $'\xed'[$'\x80'-$'\x9f'][$'\x80'-$'\xbf']*) left=${left:3} ;;
      [$'\xe1'-$'\xec'$'\xee'$'\xef'][$'\x80'-$'\xbf'][$'\x80'-$'\xbf']*) left=${left:3} ;;
      $'\xf0'[$'\x90'-$'\xbf'][$'\x80'-$'\xbf'][$'\x80'-$'\xbf']*) left=${left:4} ;;
      $'\xf4'[$'\x80'-$'\x8f'][$'\x80'-$'\xbf'][$'\x80'-$'\xbf']*) left=${left:4} ;;
      [$'\xf1'-$'\xf3'][$'\x80'-$'\xbf'][$'\x80'-$'\xbf'][$'\x80'-$'\xbf']*) left=${left:4} ;;
      *) wrong 'bytes that are not UTF-8' ;;
    esac
  done
}

# The pairs of the TOML in $1, in the arrays `keys` and `texts`.
pairs_of() {
  local key text
  local -A seen=()
  keys=()
  texts=()
  check_utf_8 "$1"
  rest=${1#$'\xef\xbb\xbf'}
  case ${rest//$'\r\n'/} in
    *[$'\x01'-$'\x08'$'\x0b'-$'\x1f'$'\x7f']*) wrong 'a control character' ;;
  esac
  while :; do
    skip_blanks
    skip_comment
    case $rest in
      '') return ;;
      $'\n'*) rest=${rest:1}; continue ;;
      $'\r\n'*) rest=${rest:2}; continue ;;
      '['*) wrong 'a table' ;;
      [\"\']*)
        take_string line
        key=$text
        ;;
      *)
        key=${rest%%[!abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-]*}
        [[ -n $key ]] || wrong 'something that is no key'
        rest=${rest:${#key}}
        ;;
    esac
    skip_blanks
    case $rest in
      '='*) rest=${rest:1} ;;
      '.'*) wrong 'a key with a dot, which means a table' ;;
      *) wrong 'a key without a value' ;;
    esac
    if [[ -n ${seen["x$key"]-} ]]; then
      wrong "the key \`$key\` twice"
    fi
    seen["x$key"]=yes
    skip_blanks
    case $rest in
      [\"\']*) take_string lines ;;
      *) wrong "no string for the key \`$key\`" ;;
    esac
    keys+=("$key")
    texts+=("$text")
    skip_blanks
    skip_comment
    case $rest in
      '' | $'\n'* | $'\r\n'*) ;;
      *) wrong "something behind the value of the key \`$key\`" ;;
    esac
  done
}

# Whether a shell can set the variable $1.
is_assignable() {
  case $1 in
    '' | [0123456789]* | *[!abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_]*) return 1 ;;
    BASHOPTS | BASH_VERSINFO | EUID | PPID | SHELLOPTS | UID) return 1 ;;
  esac
}

# Reads what the program $1 writes into `content`.
take_output() {
  program=$1
  # Reading ends at a NUL byte, which TOML does not have.
  if IFS= read -r -d '' content; then
    wrong 'a NUL byte'
  fi
}

# Runs the program $1 and prints what it sets, as commands. It is a process of its own, so that its variables are too.
commands_of() {
  take_output "$1" < <(
    export CNB_EXEC_ENV="${CNB_EXEC_ENV:-production}"
    eval "$slugbuilder_commands"
    # No `env` starts it, which would take a path with an equals sign for a variable, and print the whole environment.
    exec -- "$1" 3>&1 1>&4 4>&- </dev/null
  )
  # From here on, nothing is started.
  wait "$!" || fail "the exec.d program \`$1\` ended with status $?"
  LC_ALL=C
  pairs_of "$content"
  quote="'"
  for index in "${!keys[@]}"; do
    name=${keys[index]}
    if is_assignable "$name"; then
      printf "%s='%s'\nexport %s\n" "$name" "${texts[index]//$quote/$quote\\$quote$quote}" "$name"
    else
      printf 'slugbuilder: the variable `%s` of the exec.d program `%s` is left out: no shell can set it\n' \
        "$name" "$1" >&2
    fi
  done
}

cd -- "$1" || fail "there is no app at \`$1\`"
shift
# What the programs have set by now, as commands, of which later ones win.
slugbuilder_commands=
while (($#)); do
  slugbuilder_commands+=$(commands_of "$1")$'\n' || exit 1
  shift
done
printf '%s' "$slugbuilder_commands"
