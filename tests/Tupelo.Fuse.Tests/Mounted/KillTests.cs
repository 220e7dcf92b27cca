// The daemon is killed while it is written to, again and again. Whoever was told that an fsync succeeded finds its data after the
// next mount, and the volume is sound each time. TUPELO_KILLS sets how many times; CONTRIBUTING.md has the long campaign.
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Tupelo.Fuse.Tests;

public sealed partial class KillTests
{
    private static int Kills(int ordinary) =>
        Environment.GetEnvironmentVariable("TUPELO_KILLS") is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : ordinary;

    [Fact]
    public void KilledDaemon_UnderFilesOfManyThreads_LosesNoSyncedWrite()
    {
        int kills = Kills(12);
        using Daemon daemon = Daemon.Start(size: "256M");
        var random = new Random(Environment.GetEnvironmentVariable("TUPELO_SEED") is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : 3);
        for (int kill = 0; kill < kills; kill++)
        {
            int pid = daemon.Pid;
            var writers = Enumerable.Range(0, 3).Select(i => new Writer(daemon.Root, (kill * 10) + i)).ToArray();
            Thread.Sleep(random.Next(50, 700));
            daemon.Kill(pid);
            foreach (Writer writer in writers)
            {
                writer.Join();
            }
            daemon.Check();
            daemon.Mount();
            foreach (Writer writer in writers)
            {
                writer.Verify($"after kill {kill}");
            }
        }
    }

    [Fact]
    public void KilledDaemon_UnderSqlite_LosesNoCommit()
    {
        int kills = Kills(8);
        using Daemon daemon = Daemon.Start(size: "256M");
        Shell.Run("sqlite3 db 'pragma journal_mode=wal; create table t(id integer primary key, data text)' >/dev/null", daemon.Root);
        long last = 0;
        var random = new Random(5);
        for (int kill = 0; kill < kills; kill++)
        {
            int pid = daemon.Pid;
            // Each row's number is printed after its commit: what was printed was promised.
            string script =
                $"""
                (i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); echo 'insert into t(data) values(hex(randomblob(300)));select max(id) from t;'; done) \
                  | sqlite3 -bail -cmd 'pragma synchronous=full' db 2>/dev/null | tail -n 1 >{daemon.Work}/promised & p=$!
                sleep 0.{random.Next(2, 9)}; kill -KILL {pid}; wait $p || true
                """;
            _ = Shell.TryRun(script, daemon.Root);
            string promised = File.ReadAllText(Path.Combine(daemon.Work, "promised")).Trim();
            _ = Shell.TryRun($"umount -l {daemon.Root}");
            daemon.Check();
            daemon.Mount();
            Assert.Equal("ok", Shell.Run("sqlite3 db 'pragma integrity_check'", daemon.Root).Trim());
            last = Math.Max(last, promised.Length == 0 ? 0 : long.Parse(promised, CultureInfo.InvariantCulture));
            long found = long.Parse(Shell.Run("sqlite3 db 'select count(*) from t'", daemon.Root), CultureInfo.InvariantCulture);
            Assert.True(found >= last, $"kill {kill}: {last} commits were promised, {found} are there");
        }
    }

    // Not FileStream.Flush, which was seen to return as if nothing had happened when the connection was aborted under it.
    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(SafeFileHandle file);

    // Appends numbered lines to a file of its own and syncs now and then, makes and renames small files, until the mount dies.
    private sealed class Writer
    {
        private readonly string _path;
        private readonly Thread _thread;
        private int _synced;
        private string? _renamed;

        public Writer(string root, int number)
        {
            _path = Path.Combine(root, number.ToString(CultureInfo.InvariantCulture));
            _thread = new Thread(Write);
            _thread.Start();
        }

        public void Join() => Assert.True(_thread.Join(TimeSpan.FromSeconds(30)), "a writer hangs on a dead mount");

        public void Verify(string when)
        {
            if (_synced == 0)
            {
                return;
            }
            byte[] content = File.ReadAllBytes(_path);
            Assert.True(content.Length >= _synced * 16, $"{when}: {_path} has {content.Length} bytes, {_synced * 16} were synced");
            for (int i = 0; i < _synced; i++)
            {
                Assert.Equal(Line(i), Encoding.ASCII.GetString(content, i * 16, 16));
            }
            Assert.True(_renamed is null || File.Exists(_renamed), $"{when}: {_renamed} was synced under this name");
        }

        private static string Line(int i) => i.ToString("D15", CultureInfo.InvariantCulture) + "\n";

        private void Write()
        {
            try
            {
                using FileStream file = new(_path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
                for (int i = 0; ; i++)
                {
                    file.Write(Encoding.ASCII.GetBytes(Line(i)));
                    if (i % 7 != 0)
                    {
                        continue;
                    }
                    string name = _path + "." + i.ToString(CultureInfo.InvariantCulture);
                    File.WriteAllText(name, "x");
                    File.Move(name, name + ".moved");
                    if (FSync(file.SafeFileHandle) != 0)
                    {
                        return;
                    }
                    _synced = i + 1;
                    _renamed = name + ".moved";
                    if (i % 70 == 0 && i > 0)
                    {
                        File.Delete(name + ".moved");
                        _renamed = null;
                    }
                }
            }
            catch (IOException)
            {
                // The daemon is dead.
            }
            catch (UnauthorizedAccessException)
            {
                // The same, in other words.
            }
        }
    }
}
