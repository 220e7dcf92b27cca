// Who holds a lock on an image. The kernel does not say it for open-file-description locks (F_OFD_GETLK gives process -1), but
// /proc/PID/fdinfo/FD lists the locks of each open file, and /proc/PID/fd/FD leads to the file. Only processes that we may look into
// are found: root sees all, others see their own.
using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Tupelo.Block;

/// <summary>A process that has an image open and locked.</summary>
internal sealed record ImageHolder(int ProcessId, string ProcessName, bool IsWriting)
{
    private const int WriteByte = 101; // "I use the permission to write"

    /// <summary>"qemu-system-x86_64 (PID 1234)".</summary>
    public override string ToString() => ProcessId == Environment.ProcessId
        ? "this same process"
        : string.Create(CultureInfo.InvariantCulture, $"{ProcessName} (PID {ProcessId})");

    /// <summary>All that can be found who hold a lock on byte <paramref name="lockedByte"/> of <paramref name="file"/>, other than by
    /// this descriptor.</summary>
    public static unsafe IReadOnlyList<ImageHolder> Find(SafeFileHandle file, int lockedByte)
    {
        var holders = new List<ImageHolder>();
        LinuxCalls.StatX wanted;
        if (LinuxCalls.Statx(file, "", LinuxCalls.AT_EMPTY_PATH, LinuxCalls.STATX_BASIC_STATS, &wanted) != 0)
        {
            return holders;
        }
        string own = string.Create(CultureInfo.InvariantCulture, $"/proc/{Environment.ProcessId}/fd/{file.DangerousGetHandle()}");
        foreach (string process in List("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out int processId))
            {
                continue;
            }
            bool holds = false;
            bool writes = false;
            foreach (string descriptor in List(process + "/fd"))
            {
                // Without asking a server that may not answer.
                LinuxCalls.StatX stat;
                if (descriptor != own
                    && LinuxCalls.Statx(LinuxCalls.AT_FDCWD, descriptor, LinuxCalls.AT_STATX_DONT_SYNC, LinuxCalls.STATX_BASIC_STATS, &stat) == 0
                    && stat.Ino == wanted.Ino && stat.DeviceMajor == wanted.DeviceMajor && stat.DeviceMinor == wanted.DeviceMinor)
                {
                    string[] lines = ReadLines($"{process}/fdinfo/{Path.GetFileName(descriptor)}");
                    holds |= lines.Any(line => LockCovers(line, lockedByte));
                    writes |= lines.Any(line => LockCovers(line, WriteByte));
                }
            }
            if (holds)
            {
                holders.Add(new ImageHolder(processId, NameOf(process), writes));
            }
        }
        return holders;
    }

    /// <summary>True for "lock:\t1: OFDLCK  ADVISORY  READ -1 fe:00:1234 101 101" when its range (the last two; an end may be EOF)
    /// covers <paramref name="at"/>.</summary>
    internal static bool LockCovers(string line, int at)
    {
        string[] fields = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return fields.Length >= 9 && fields[0] == "lock:" && fields[2] is "OFDLCK" or "POSIX"
            && long.TryParse(fields[^2], NumberStyles.None, CultureInfo.InvariantCulture, out long first) && first <= at
            && (fields[^1] == "EOF" || (long.TryParse(fields[^1], NumberStyles.None, CultureInfo.InvariantCulture, out long last) && at <= last));
    }

    /// <summary>The program's name by its command line, which is not cut off at 15 characters as /proc/PID/comm is; for a .NET program
    /// the name of its assembly. Control characters, which could play with a terminal, are replaced.</summary>
    private static string NameOf(string process)
    {
        string[] words = string.Join('\n', ReadLines(process + "/cmdline")).Split('\0');
        string name = Path.GetFileName(words[0]);
        if (name == "dotnet" && words.Length > 1 && words[1].EndsWith(".dll", StringComparison.Ordinal))
        {
            name = Path.GetFileNameWithoutExtension(words[1]);
        }
        if (name.Length == 0)
        {
            name = ReadLines(process + "/comm").FirstOrDefault("a process");
        }
        var clean = new StringBuilder(name);
        for (int i = 0; i < clean.Length; i++)
        {
            if (char.IsControl(clean[i]))
            {
                clean[i] = '?';
            }
        }
        return clean.ToString();
    }

    // Processes come and go, and not all are ours to look into: what cannot be read is not there.
    private static string[] List(string directory)
    {
        try
        {
            return Directory.GetFileSystemEntries(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string[] ReadLines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
