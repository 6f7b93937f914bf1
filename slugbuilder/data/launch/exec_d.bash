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

# bash copies what it cuts, so that cutting at a whole document again and again would take time by the square of its
# length. It is kept in `blocks` of $block_size bytes, of which `next` is the first that is not read yet, and `rest` is
# what is left of those before. A string is put together the same way. All works on bytes, in the locale `C`.

# Makes `rest` long enough for everything that is looked at in one piece: 10 bytes of `\UXXXXXXXX`.
fill() {
  while ((${#rest} < 16 && next < ${#blocks[@]})); do
    rest+=${blocks[next]}
    next=$((next + 1))
  done
}

# Reads up to the first of the characters that `[$1]` matches.
skip_to() {
  local run
  while fill; run=${rest%%[$1]*}; [[ -n $run ]]; do
    rest=${rest:${#run}}
  done
}

skip_blanks() {
  skip_to $'! \t'
}

# Only at the end of a line: the newline stays.
skip_comment() {
  if [[ $rest == '#'* ]]; then
    skip_to $'\n'
  fi
}

# Adds $1 to the string that is being read: `text`, and before it `texts_before`.
add() {
  text+=$1
  if ((${#text} >= block_size)); then
    texts_before+=("$text")
    text=
  fi
}

# A code point of $1 hexadecimal digits behind the backslash and its letter, in UTF-8 at the end of the string.
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
  add "$bytes"
  rest=${rest:2 + $1}
}

# An escape of a basic string; $1 says whether it may have several lines.
take_escape() {
  case ${rest:1:1} in
    b) add $'\b' ;;
    t) add $'\t' ;;
    n) add $'\n' ;;
    f) add $'\f' ;;
    r) add $'\r' ;;
    e) add $'\e' ;;
    '"') add '"' ;;
    \\) add \\ ;;
    x) take_code_point 2; return ;;
    u) take_code_point 4; return ;;
    U) take_code_point 8; return ;;
    *)
      rest=${rest:1}
      skip_blanks
      if [[ $1 != lines || $rest != $'\n'* && $rest != $'\r\n'* ]]; then
        wrong 'an escape that TOML does not have'
      fi
      skip_to $'! \t\r\n'
      return
      ;;
  esac
  rest=${rest:2}
}

# The string at the front of `rest`; its value is in `text`. $1 is `lines` where it may have several lines.
take_string() {
  local quote=${rest:0:1} lines= stop chunk quotes
  local -a texts_before=()
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
    add "$chunk"
    rest=${rest:${#chunk}}
    if [[ -z $rest ]]; then
      fill
      [[ -n $rest ]] || wrong 'a string without an end'
      continue
    fi
    fill
    case $rest in
      $'\n'*) wrong 'a string without an end' ;;
      \\*) take_escape "$lines" ;;
      *)
        if [[ -z $lines ]]; then
          rest=${rest:1}
          break
        fi
        # Up to two quotes may stand before the three that end it.
        quotes=${rest%%[!$quote]*}
        quotes=${quotes:0:5}
        rest=${rest:${#quotes}}
        if [[ ${#quotes} -ge 3 ]]; then
          add "${quotes:3}"
          break
        fi
        add "$quotes"
        ;;
    esac
  done
  local IFS=
  text="${texts_before[*]}$text"
}

# Reads stdin into `blocks`, and looks at the bytes.
take_blocks() {
  local after=$'[\x80-\xbf]' other=$'[!\x80-\xbf]' block ended= seam=$'\n' pattern
  # Any two to five bytes in a row that no text in UTF-8 has: bytes of no character, characters in more bytes than they
  # need, halves of surrogates and what is beyond the last character; too few and too many bytes behind the first.
  local -a not_utf_8=(
    $'[\xc0\xc1\xf5-\xff]'
    $'\xe0[\x80-\x9f]' $'\xed[\xa0-\xbf]' $'\xf0[\x80-\x8f]' $'\xf4[\x90-\xbf]'
    $'[\xc2-\xf4]'"$other" $'[\xe0-\xf4]'"$after$other" $'[\xf0-\xf4]'"$after$after$other"
    $'[!\x80-\xff]'"$after" $'[\xc2-\xdf]'"$after$after"
    $'[\xe0-\xef]'"$after$after$after" $'[\xf0-\xf4]'"$after$after$after$after"
  )
  blocks=()
  while [[ -z $ended ]]; do
    # Reading ends early at a NUL byte, and fails at the end.
    if ! IFS= read -r -d '' -n "$block_size" block; then
      ended=.
    elif ((${#block} < block_size)); then
      wrong 'a NUL byte'
    fi
    blocks+=("$block")
    # What is wrong may begin in the block before, or be that nothing follows.
    block=$seam$block$ended
    seam=${block: -4}
    if [[ $block == *[$'\x80'-$'\xff']* ]]; then
      for pattern in "${not_utf_8[@]}"; do
        [[ $block != *$pattern* ]] || wrong 'bytes that are not UTF-8'
      done
    fi
    case $block in
      *[$'\x01'-$'\x08'$'\x0b'$'\x0c'$'\x0e'-$'\x1f'$'\x7f']* | *$'\r'[!$'\n']*) wrong 'a control character' ;;
    esac
  done
  blocks[0]=${blocks[0]#$'\xef\xbb\xbf'}
}

# The pairs of the TOML in `blocks`, in the arrays `keys` and `texts`.
pairs_of() {
  local key run text rest= next=0
  local -A seen=()
  keys=()
  texts=()
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
        key=
        while run=${rest%%[!abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-]*} && [[ -n $run ]]; do
          key+=$run
          rest=${rest:${#run}}
          fill
        done
        [[ -n $key ]] || wrong 'something that is no key'
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

# Reads what the program $1 writes.
take_output() {
  program=$1
  block_size=512
  LC_ALL=C
  take_blocks
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
  pairs_of
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
