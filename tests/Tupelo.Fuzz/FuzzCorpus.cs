using System.IO.Compression;

namespace Tupelo.Fuzz;

/// <summary>Images of tests/data/fuzz-corpus: those that once broke a reader, and those that were made to.</summary>
internal static class FuzzCorpus
{
    public static string Root { get; } = FindRoot();

    public static string[] Files() => [.. Directory.GetFiles(Path.Combine(Root, "tests", "data", "fuzz-corpus"), "*.img*").Order(StringComparer.Ordinal)];

    public static byte[] Load(string file)
    {
        if (!file.EndsWith(".gz", StringComparison.Ordinal))
        {
            return File.ReadAllBytes(file);
        }
        using var packed = new GZipStream(File.OpenRead(file), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        packed.CopyTo(memory);
        return memory.ToArray();
    }

    private static string FindRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Tupelo.slnx")))
        {
            directory = Path.GetDirectoryName(directory);
        }
        return directory ?? throw new InvalidOperationException("The repository's root was not found above the test's directory.");
    }
}
