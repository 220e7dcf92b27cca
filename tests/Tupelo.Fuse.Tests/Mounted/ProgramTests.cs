// Real programs on a TFS mount, each within bounds of size and time; afterwards the volume is sound.
using System.Globalization;

namespace Tupelo.Fuse.Tests;

public sealed class ProgramTests
{
    private const int Patience = 150;

    [Fact]
    public void Git_ClonesCommitsCollectsAndChecks()
    {
        Use(
            """
            export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_CONFIG_GLOBAL=/dev/null
            git init -q -b main a; cd a
            for i in $(seq 30); do mkdir -p d$((i % 5)); seq $i $((i * 50)) >d$((i % 5))/f$i; git add .; git commit -q -m $i; done
            cd ..; git clone -q --no-local a b; cd b; git gc -q; git fsck --strict
            git checkout -q -b other HEAD~10; git mv d1/f1 moved; git commit -q -m moved; git merge -q -m merge main; test -z "$(git status --porcelain)"
            git push -q origin other; cd ../a; git fsck --strict; test "$(git rev-list --count other)" -ge 32
            """);
    }

    [Theory]
    [InlineData("wal")]
    [InlineData("delete")]
    public void Sqlite_SurvivesTheDeathOfItsWriter(string journal)
    {
        Use(
            $"""
            sqlite3 db "pragma journal_mode={journal}; create table t(id integer primary key, data text);" >/dev/null
            last=1
            for round in 1 2 3; do
              (i=0; while :; do i=$((i + 1)); echo "insert into t(data) values(hex(randomblob(200)));"; done) | sqlite3 -bail db & p=$!
              sleep 0.7; kill -9 $p; wait $p 2>/dev/null || true
              test "$(sqlite3 db 'pragma integrity_check')" = ok
              now=$(sqlite3 db 'select count(*) from t'); test $now -ge $last; last=$now
            done
            sqlite3 db "vacuum; pragma integrity_check" | grep -qx ok
            """);
    }

    [Fact]
    public void TarAndRsync_BringEverythingThereAndBack()
    {
        Use(
            """
            src=$(mktemp -d); trap 'rm -rf $src' EXIT
            mkdir -p $src/a/b; cp -r /usr/include/linux $src/a/b; ln $src/a/b/linux/fs.h $src/hard; ln -s a/b/linux $src/soft; mkfifo $src/fifo
            mknod $src/null c 1 3; truncate -s 10M $src/sparse; echo end >>$src/sparse; chmod 4751 $src/hard; chown 1000:100 $src/soft $src/a -h
            setfattr -n user.color -v blue $src/a; touch -d '2001-02-03 04:05:06.789012345' $src/hard $src/a
            rsync -aHAX --numeric-ids $src/ one/
            test -z "$(rsync -aHAXnic --delete --numeric-ids $src/ one/)"
            mkdir two back; tar -C one --xattrs --xattrs-include='*' --numeric-owner -Scf t.tar .; tar -C two --xattrs --xattrs-include='*' --numeric-owner -xpSf t.tar
            test -z "$(rsync -aHAXnic --delete --numeric-ids $src/ two/)"
            rsync -aHAXS --numeric-ids two/ back/; test -z "$(rsync -aHAXnic --delete --numeric-ids $src/ back/)"
            test "$(getfattr --only-values -n user.color back/a)" = blue; test $(stat -c %h back/hard) = 2
            """);
    }

    [Fact]
    public void Compiler_BuildsAndRuns()
    {
        Use(
            """
            for i in $(seq 12); do printf '#include <stdio.h>\n#include <stdlib.h>\nint f%d(int x) { return x * %d + abs(x); }\n' $i $i >f$i.c; done
            { for i in $(seq 12); do echo "int f$i(int);"; done; echo '#include <stdio.h>'; echo 'int main(void) { int s = 0;'; for i in $(seq 12); do echo "s += f$i($i);"; done; echo 'printf("%d\n", s); return 0; }'; } >main.c
            for f in *.c; do gcc -O1 -c $f; done; gcc -o program *.o; ar rcs lib.a f*.o; test "$(./program)" = 728
            """);
    }

    [Fact]
    public void ManyFilesInOneDirectory_AreListedFoundAndRemoved()
    {
        string? number = Environment.GetEnvironmentVariable("TUPELO_MANY_FILES");
        int count = number is null ? 100_000 : int.Parse(number, CultureInfo.InvariantCulture);
        using Daemon daemon = Daemon.Start(size: "1G");
        string directory = Path.Combine(daemon.Root, "many");
        Directory.CreateDirectory(directory);
        for (int i = 0; i < count; i++)
        {
            using FileStream file = File.Create(Path.Combine(directory, "file" + i.ToString(CultureInfo.InvariantCulture)), 1);
        }
        Assert.Equal(count, Directory.EnumerateFiles(directory).Distinct().Count());
        Assert.Equal(count, int.Parse(Shell.Run($"find {directory} -type f | wc -l", seconds: Patience), CultureInfo.InvariantCulture));
        Assert.True(File.Exists(Path.Combine(directory, "file77")));
        Shell.Run($"du -s {directory} >/dev/null; df {directory} >/dev/null; rm -r {directory}; test -z \"$(ls -A {daemon.Root})\"", seconds: Patience);
        daemon.Unmount();
        daemon.Check();
    }

    [Fact]
    public void TwoMounts_ServeEachOther()
    {
        using Daemon one = Daemon.Start();
        using Daemon two = Daemon.Start();
        Shell.Run(
            $"""
            cp -r /usr/include/linux {one.Root}/a & cp -r /usr/include/linux {two.Root}/b & wait
            mv {one.Root}/a {two.Root}/a; cp -r {two.Root}/b {one.Root}/b
            diff -r {one.Root}/b /usr/include/linux; diff -r {two.Root}/a {two.Root}/b
            """);
        one.Unmount();
        two.Unmount();
        one.Check();
        two.Check();
    }

    private static void Use(string script)
    {
        using Daemon daemon = Daemon.Start(size: "512M");
        Shell.Run(script, daemon.Root, Patience);
        Assert.DoesNotContain("failed", File.ReadAllText(daemon.Log), StringComparison.Ordinal);
        daemon.Unmount();
        daemon.Check();
    }
}
