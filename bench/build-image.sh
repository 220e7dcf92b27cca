#!/usr/bin/env bash
# Building an image, side by side with tar: bench/build-image.sh [small|large|all] [ROUNDS]
#
#   small   100,000 files of 1 to 8 KiB in 1,000 directories
#   large   2 GiB in 20 files
#
# Each round runs every candidate once, in turns (A B A B ...), so that a slow minute of the machine hits all alike. Printed are the
# medians of wall time, CPU time (user + system) and peak memory, and the ratios to tar. tar leaves its archive in the host's page
# cache; tupelo has made its image durable when it ends. So there are two tars: alone, and followed by a sync of the archive.
# Environment: WORK=DIR where trees and results go (default: a directory in TMPDIR or /tmp, kept for the next run);
#              PEERS="mke2fs mkfs.erofs mksquashfs NANOS_MKFS" for further candidates that are installed.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
what=${1:-all}
rounds=${2:-5}
work=${WORK:-${TMPDIR:-/tmp}/tupelo-bench}
peers=${PEERS:-}
mkdir -p "$work"
"$here/tupelo" --version >/dev/null
tupelo=$here/out/cli/tupelo

make_small() {
  [ -e "$work/small.made" ] && return
  rm -rf "$work/small"
  perl -e '
    srand 1; my $root = shift; mkdir $root;
    my $pool = join "", map { chr(rand 256) } 1 .. 16384;
    for my $d (0 .. 999) {
      my $dir = sprintf "%s/dir%03d", $root, $d; mkdir $dir;
      for my $f (0 .. 99) {
        open my $h, ">:raw", sprintf("%s/file-%05d.dat", $dir, $f) or die $!;
        print $h substr($pool, rand 8192, 1024 + rand 7168); close $h;
      }
    }' "$work/small"
  touch "$work/small.made"
}

make_large() {
  [ -e "$work/large.made" ] && return
  rm -rf "$work/large"; mkdir "$work/large"
  for i in $(seq -w 1 20); do head -c $((2147483648 / 20)) /dev/urandom >"$work/large/part$i.bin"; done
  touch "$work/large.made"
}


run_one() { # name tree
  local out=$work/out.$1
  rm -f "$out"
  case $1 in
    tupelo)      timed "$tupelo" mkfs "$out" --from "$2" ;;
    tar)         timed tar cf "$out" -C "$2" . ;;
    tar+sync)    timed sh -c 'tar cf "$1" -C "$2" . && sync "$1"' _ "$out" "$2" ;;
    mke2fs)      truncate -s 4G "$out"; timed mke2fs -q -F -t ext4 -N 200000 -d "$2" "$out" ;;
    mkfs.erofs)  timed mkfs.erofs -d0 "$out" "$2" ;;
    mksquashfs)  timed mksquashfs "$2" "$out" -noI -noD -noF -noX -no-progress -quiet ;;
    *)           timed "$1" "$out" "$2" ;;
  esac
  rm -f "$out"
}

timed() { # runs the command; appends "wall cpu rss" to $samples
  perl -e '
    use Time::HiRes "time"; use POSIX;
    my $start = time; my $pid = fork; if (!$pid) { open STDOUT, ">", "/dev/null"; exec @ARGV or exit 127; }
    my ($peak, $status) = (0, undef);
    while (waitpid($pid, WNOHANG) == 0) {
      for my $p ($pid, map { /(\d+)/g } `cat /proc/$pid/task/$pid/children 2>/dev/null`) {
        open my $h, "<", "/proc/$p/status" or next; while (<$h>) { $peak = $1 if /VmHWM:\s+(\d+)/ && $1 > $peak } }
      select undef, undef, undef, 0.02;
    }
    die "failed: @ARGV\n" if $?;
    my $wall = time - $start; my (undef, undef, $cu, $cs) = times;
    printf STDERR "%.3f %.3f %d\n", $wall, $cu + $cs, $peak;' "$@" 2>>"$samples"
}

median() { sort -n | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

bench() { # tree
  local tree=$work/$1 names="tar tupelo tar+sync $peers"
  find "$tree" -type f -exec cat {} + >/dev/null # all start with a warm cache
  for name in $names; do rm -f "$work/samples.$name"; done
  for round in $(seq "$rounds"); do
    for name in $names; do samples=$work/samples.$name run_one "$name" "$tree"; done
  done
  printf '\n%s: %s rounds, medians\n%-12s %8s %8s %9s %11s %10s\n' "$1" "$rounds" candidate "wall s" "CPU s" "peak MiB" "wall / tar" "CPU / tar"
  local tar_wall tar_cpu
  tar_wall=$(cut -d' ' -f1 "$work/samples.tar" | median); tar_cpu=$(cut -d' ' -f2 "$work/samples.tar" | median)
  for name in $names; do
    local wall cpu peak
    wall=$(cut -d' ' -f1 "$work/samples.$name" | median); cpu=$(cut -d' ' -f2 "$work/samples.$name" | median)
    peak=$(cut -d' ' -f3 "$work/samples.$name" | median)
    awk -v n="$name" -v w="$wall" -v c="$cpu" -v p="$peak" -v tw="$tar_wall" -v tc="$tar_cpu" \
      'BEGIN { printf "%-12s %8.2f %8.2f %9.1f %11.2f %10.2f\n", n, w, c, p / 1024, w / tw, c / tc }'
  done
}

case $what in small|all) make_small; bench small;; esac
case $what in large|all) make_large; bench large;; esac
case $what in small|large|all) ;; *) echo "usage: $0 [small|large|all] [ROUNDS]" >&2; exit 2;; esac
