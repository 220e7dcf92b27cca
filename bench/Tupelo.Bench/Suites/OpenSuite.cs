// open: what it costs until a large volume can be used. Opening is decoding the log, so the limit is reading its bytes.
using System.Diagnostics;
using System.Formats.Tar;
using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Bench;

internal sealed class OpenSuite : Suite
{
    private const int ManyFiles = 1_000_000;
    private const int ListedFiles = 100_000;

    public override string Name => "open";

    public override IEnumerable<Race> Races(BenchOptions options)
    {
        string image = SampleImage.Make(options, ManyFiles, 1024, isSparse: true);
        IReadOnlyList<TfsLogExtension> log = ExtensionsOf(image);
        yield return new Race(
            "open a volume of 1,000,000 files", "file",
            new Contender("TfsVolume.Open", () => Open(image)) { After = GC.Collect, MemoryPerOperation = () => MemoryKept(image, TfsVolume.Open) },
            new Contender("read its log (limit)", () => ReadLog(image, log)),
            new Contender("mount, read-write", () => Mount(image)) { After = GC.Collect, MemoryPerOperation = () => MemoryKept(image, device => TfsFileSystem.Mount(device)) })
        {
            Goal = new Goal { AtMostNanoseconds = 900, AtMostMemory = 250 },
            WarmUps = 2,
            MaxRounds = 9,
        };
        string listed = SampleImage.Make(options, ListedFiles, 1024);
        string tar = MakeTar(options, listed);
        yield return new Race(
            "list 100,000 files, start to end of the program", "run",
            new Contender("tupelo ls -R", () => RunProgram(TupeloProgram(), "ls", "-R", listed)) { Scope = CpuScope.Children },
            new Contender("tar tf", () => RunProgram("tar", "tf", tar)) { Scope = CpuScope.Children })
        {
            Goal = new Goal { AtMostNanoseconds = 300e6 },
            WarmUps = 1,
        };
    }

    private static long Open(string image)
    {
        using FileBlockDevice device = Device(image, readOnly: true);
        _ = TfsVolume.Open(device);
        return ManyFiles;
    }

    private static long Mount(string image)
    {
        TfsFileSystem.Mount(Device(image, readOnly: false), new TfsMountOptions { FlushDelay = TimeSpan.Zero, OwnsDevice = true }).Shutdown();
        return ManyFiles;
    }

    private static long ReadLog(string image, IReadOnlyList<TfsLogExtension> extensions)
    {
        using FileBlockDevice device = Device(image, readOnly: true);
        byte[] buffer = new byte[TfsFormat.ExtensionSectors * TfsFormat.SectorBytes];
        foreach (TfsLogExtension extension in extensions)
        {
            _ = device.Read(extension.StartSector * TfsFormat.SectorBytes, buffer.AsSpan(0, (int)extension.SectorCount * TfsFormat.SectorBytes));
        }
        return ManyFiles;
    }

    private static IReadOnlyList<TfsLogExtension> ExtensionsOf(string image)
    {
        using FileBlockDevice device = Device(image, readOnly: true);
        return TfsVolume.Open(device).Log.Extensions;
    }

    private static double MemoryKept<T>(string image, Func<BlockDevice, T> open)
        where T : class
    {
        using FileBlockDevice device = Device(image, readOnly: false);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        T opened = open(device);
        long after = GC.GetTotalMemory(forceFullCollection: true);
        (opened as TfsFileSystem)?.Shutdown();
        GC.KeepAlive(opened);
        return (double)(after - before) / ManyFiles;
    }

    private static FileBlockDevice Device(string image, bool readOnly) => FileBlockDevice.Open(image, new FileBlockDeviceOptions { ReadOnly = readOnly });

    private static string MakeTar(BenchOptions options, string image)
    {
        string path = Path.ChangeExtension(options.WorkFile(Path.GetFileName(image)), ".tar");
        if (File.Exists(path))
        {
            return path;
        }
        using (FileStream file = File.Create(path + ".new"))
        using (var writer = new TarWriter(file))
        {
            for (int i = 0; i < ListedFiles; i++)
            {
                writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, $"dir-{i / 1000:D7}/file-{i:D7}") { DataStream = new MemoryStream(new byte[1024]) });
            }
        }
        File.Move(path + ".new", path);
        return path;
    }

    // The program as it is published: beside the sources, above the benchmark's own binary.
    private static string TupeloProgram()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Tupelo.slnx")))
        {
            directory = Path.GetDirectoryName(directory);
        }
        string root = directory ?? throw new InvalidOperationException("the repository's root was not found above the benchmark");
        _ = RunProgram(Path.Combine(root, "tupelo"), "--version"); // builds it when it is older than its sources
        return Path.Combine(root, "out", "cli", "tupelo");
    }

    private static long RunProgram(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })
            ?? throw new InvalidOperationException($"{program} does not start");
        process.StandardOutput.BaseStream.CopyTo(Stream.Null);
        process.WaitForExit();
        return process.ExitCode == 0 ? 1 : throw new InvalidOperationException($"{program} ended with {process.ExitCode}");
    }
}
