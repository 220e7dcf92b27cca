// "sysfs": the few files of /sys that programs look for when they ask how many processors and how much memory there are: the set that
// OSv has, under devices/system.
namespace Tupelo.FileSystems;

/// <summary>Makes /sys.</summary>
public sealed class SysFsType : FileSystemType
{
    private const ulong StatFsMagic = 0x62656572;

    public override string Name => "sysfs";

    /// <remarks>Errors: EINVAL there are no options.</remarks>
    public override Errno Create(MountRequest request, out FileSystem? fileSystem)
    {
        fileSystem = null;
        if (request.Options.Length > 0)
        {
            return Errno.EINVAL;
        }
        var made = new SyntheticFileSystem(this, request.Kernel, StatFsMagic, request.IsReadOnly);
        int last = Environment.ProcessorCount - 1;
        string range = last == 0 ? "0\n" : $"0-{last}\n";
        SyntheticDirectory system = made.RootDirectory.AddDirectory("devices").AddDirectory("system");
        SyntheticDirectory node = system.AddDirectory("node");
        node.AddFile("online", _ => "0\n");
        SyntheticDirectory first = node.AddDirectory("node0");
        first.AddFile("cpumap", _ => CpuMap(last + 1));
        first.AddFile("cpulist", _ => range);
        first.AddFile("distance", _ => "10\n");
        first.AddFile("meminfo", _ => $"Node 0 MemTotal: {GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1024} kB\n");
        SyntheticDirectory cpu = system.AddDirectory("cpu");
        foreach (string name in new[] { "online", "possible", "present" })
        {
            cpu.AddFile(name, _ => range);
        }
        fileSystem = made;
        return Errno.None;
    }

    // Groups of 32 processors in hexadecimal, the highest first.
    private static string CpuMap(int processors)
    {
        var groups = new List<string>();
        for (; processors > 0; processors -= 32)
        {
            groups.Insert(0, (processors >= 32 ? uint.MaxValue : (1u << processors) - 1).ToString("x8", System.Globalization.CultureInfo.InvariantCulture));
        }
        return string.Join(',', groups) + "\n";
    }
}
