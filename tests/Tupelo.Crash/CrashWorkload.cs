// A workload is a list of operations made from a seed; running it on a recording device gives the recording, and for each operation the
// tree as it was when it returned. File content is made of stamps (file, write), so that a foreign or stale byte is known by itself.
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Tupelo.Block;
using Tupelo.Tests;
using Tupelo.Tfs;
using Tupelo.Vfs;

namespace Tupelo.Crash;

/// <summary>What the tree looked like when an operation had returned.</summary>
/// <param name="Names">Path to type, mode, link count, target: everything that a crash must show as of one moment.</param>
/// <param name="Content">Path to content of regular files.</param>
internal sealed record TreeState(string Names, Dictionary<string, byte[]> Content);

internal sealed class CrashWorkload
{
    public const int VolumeBytes = 4 << 20;

    private static readonly string[] Paths = ["/a", "/b", "/d", "/d/a", "/d/b", "/e", "/e/a", "/e/b"];

    private readonly Random _random;
    private readonly List<string> _log = [];
    private uint _stamp;

    private CrashWorkload(int seed) => _random = new Random(seed);

    /// <summary>The recording, from an empty volume on.</summary>
    public CrashRecording Recording { get; private set; } = null!;

    /// <summary>The tree after each operation; the first is the empty one.</summary>
    public List<TreeState> States { get; } = [];

    /// <summary>The last operation, of those that had returned, whose end made everything durable.</summary>
    public List<int> DurableAt { get; } = [];

    /// <summary>What was done, for messages.</summary>
    public IReadOnlyList<string> Log => _log;

    public static CrashWorkload Run(int seed, int operations)
    {
        var workload = new CrashWorkload(seed);
        using var empty = new MemoryBlockDevice(VolumeBytes);
        using (var builder = new TfsImageBuilder(empty, new TfsBuildOptions { FixedSize = true, MinSizeBytes = VolumeBytes, Uuid = new byte[16] }))
        {
            _ = builder.Complete();
        }
        using var device = new CrashBlockDevice(CopyOnWriteImage.FromDevice(empty).Freeze());
        var machine = new VfsMachine(device);
        workload.States.Add(Capture(machine));
        workload.DurableAt.Add(0);
        for (int i = 1; i <= operations; i++)
        {
            _ = device.Mark(CrashMark.OperationBegin, i);
            bool isSync = workload.Step(machine);
            workload.States.Add(Capture(machine));
            workload.DurableAt.Add(isSync ? i : workload.DurableAt[^1]);
            _ = device.Mark(CrashMark.OperationEnd, i);
        }
        workload.Recording = device.Record();
        machine.Dispose();
        return workload;
    }

    /// <summary>The tree of a machine, names and content.</summary>
    public static TreeState Capture(VfsMachine machine)
    {
        var content = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        var names = new StringBuilder();
        foreach ((string path, string what) in machine.Tree().OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            // "mode owner links size device content xattrs": size and content of regular files are compared apart.
            string[] fields = what.Split(' ');
            bool isFile = fields[0][0] == '8';
            _ = names.Append(path).Append(' ').Append(fields[0]).Append(' ').Append(fields[2]).Append(' ').AppendJoin(' ', isFile ? fields[6..] : fields[3..]).Append('\n');
            if (isFile)
            {
                content[path] = machine.ReadAll(path);
            }
        }
        return new TreeState(names.ToString(), content);
    }

    private bool Step(VfsMachine machine)
    {
        Syscalls c = machine.Calls;
        string a = Paths[_random.Next(Paths.Length)];
        string b = Paths[_random.Next(Paths.Length)];
        byte[] x = Encoding.ASCII.GetBytes(a);
        byte[] y = Encoding.ASCII.GetBytes(b);
        int kind = _random.Next(16);
        long result;
        switch (kind)
        {
            case 0:
                result = c.MkDirAt(AtFd.CurrentDirectory, x, 0x1ED);
                break;
            case 1:
                result = c.UnlinkAt(AtFd.CurrentDirectory, x);
                break;
            case 2:
                result = c.UnlinkAt(AtFd.CurrentDirectory, x, AtFlags.RemoveDirectory);
                break;
            case 3 or 4:
                result = c.RenameAt2(AtFd.CurrentDirectory, x, AtFd.CurrentDirectory, y, _random.Next(3) == 0 ? RenameFlags.Exchange : RenameFlags.None);
                break;
            case 5:
                result = c.LinkAt(AtFd.CurrentDirectory, x, AtFd.CurrentDirectory, y);
                break;
            case 6:
                result = c.SymlinkAt(y, AtFd.CurrentDirectory, x);
                break;
            case 7:
                result = c.FChModAt2(AtFd.CurrentDirectory, x, (uint)_random.Next(0x200));
                break;
            case 8:
                result = c.SetXattrAt(AtFd.CurrentDirectory, x, AtFlags.SymlinkNoFollow, "user.note"u8, new byte[_random.Next(1, 2000)], XattrFlags.None);
                break;
            case 9:
                result = c.Sync();
                break;
            case 10:
                result = c.Sync();
                if (result == 0 && _random.Next(4) == 0)
                {
                    result = -(long)machine.Volume!.Compact();
                }
                break;
            default:
                result = ChangeFile(c, x);
                break;
        }
        _log.Add(string.Create(CultureInfo.InvariantCulture, $"{_log.Count + 1}: {kind} {a} {b} = {result}"));
        return kind is 9 or 10 && result == 0;
    }

    private long ChangeFile(Syscalls c, byte[] path)
    {
        long fd = c.Open(path, OpenFlags.ReadWrite | OpenFlags.Create | (_random.Next(6) == 0 ? OpenFlags.Truncate : 0), 0x1A4);
        if (fd < 0)
        {
            return fd;
        }
        Stat stat = default;
        _ = c.FStat((int)fd, ref stat);
        long offset = _random.Next(6) * 2048L;
        long result = _random.Next(5) switch
        {
            0 => c.FTruncate((int)fd, offset),
            1 => c.FAllocate((int)fd, FallocateMode.PunchHole | FallocateMode.KeepSize, offset, 4096),
            _ => c.PWrite((int)fd, Stamped((uint)stat.Ino, 8 * _random.Next(1, 1500)), offset),
        };
        _ = c.Close((int)fd);
        return result;
    }

    // Every eight bytes say which file they were written to, and by which write.
    private byte[] Stamped(uint file, int length)
    {
        byte[] data = new byte[length];
        uint stamp = ++_stamp;
        for (int i = 0; i < length; i += 8)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(i), file);
            BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(i + 4), stamp);
        }
        return data;
    }
}
