#!/bin/sh
# Says how much memory the dyno has and how many processes fit in it, when a process starts. Written by slugbuilder.
#
#   web_concurrency [ROOT] 3>TOML
#
# MEMORY_AVAILABLE and WEB_MEMORY are megabytes, WEB_CONCURRENCY is the one divided by the other, all as Heroku's
# Node.js buildpack has them (its profile/WEB_CONCURRENCY.sh). What is set already stays. The limit is read from the
# control groups below ROOT, which is empty unless a test gives it; no limit, or one that no dyno has, counts as 512 MB.

root=${1-}

# The largest dyno of all; what is larger is the machine's memory, not a dyno's.
largest=129024

# Whether $1 is a whole number above zero that every shell can calculate with.
is_number() {
  case $1 in
  '' | 0* | *[!0-9]* | ?????????????*) return 1 ;;
  esac
}

# Makes `limit` the limit in the file $1, in bytes, if that is a smaller one.
consider() {
  bytes=
  if [ -r "$1" ]; then
    read -r bytes <"$1" || :
  fi
  if is_number "$bytes" && { [ -z "$limit" ] || [ "$bytes" -lt "$limit" ]; }; then
    limit=$bytes
  fi
}

# Looks at the file $3 in the group $2 of the hierarchy $1, and in all groups that this is in.
consider_group() {
  group=${2%/}
  while
    consider "$root/sys/fs/cgroup$1$group/$3"
    [ -n "$group" ]
  do
    group=${group%/*}
  done
}

# Makes `memory` the megabytes that the control groups leave this process.
detect() {
  limit=
  consider_group '' '' memory.max
  consider_group /memory '' memory.limit_in_bytes
  if [ -r "$root/proc/self/cgroup" ]; then
    while IFS=: read -r _ controllers path; do
      case ,$controllers, in
      ,,) consider_group '' "$path" memory.max ;;
      *,memory,*) consider_group /memory "$path" memory.limit_in_bytes ;;
      esac
    done <"$root/proc/self/cgroup"
  fi
  memory=512
  if [ -n "$limit" ]; then
    megabytes=$((limit / 1048576))
    if [ "$megabytes" -ge 1 ] && [ "$megabytes" -le "$largest" ]; then
      memory=$megabytes
    fi
  fi
}

# Sets the variable $1 to $2 for the process.
set_variable() {
  printf '%s = "%s"\n' "$1" "$2" >&3
}

say() {
  printf 'slugbuilder: %s\n' "$1" >&2
}

memory=${MEMORY_AVAILABLE-}
if [ -z "$memory" ]; then
  detect
  set_variable MEMORY_AVAILABLE "$memory"
elif ! is_number "$memory"; then
  say "MEMORY_AVAILABLE is \`$memory\`, not a number of megabytes"
  detect
fi

default=512
if [ "$memory" -gt 16384 ]; then
  default=2048
fi
each=${WEB_MEMORY-}
if [ -z "$each" ]; then
  each=$default
  set_variable WEB_MEMORY "$each"
elif ! is_number "$each"; then
  say "WEB_MEMORY is \`$each\`, not a number of megabytes"
  each=$default
fi

concurrency=${WEB_CONCURRENCY-}
if [ -z "$concurrency" ]; then
  concurrency=$((memory / each))
  if [ "$concurrency" -gt 200 ]; then
    say "$concurrency processes of $each MB would fit in $memory MB: WEB_CONCURRENCY is 1 until you set it"
    concurrency=1
  elif [ "$concurrency" -lt 1 ]; then
    concurrency=1
  fi
  set_variable WEB_CONCURRENCY "$concurrency"
fi

if [ "${LOG_CONCURRENCY-}" = true ]; then
  printf 'Detected %s MB available memory, %s MB limit per process (WEB_MEMORY)\n' "$memory" "$each"
  printf 'Recommending WEB_CONCURRENCY=%s\n' "$concurrency"
fi
