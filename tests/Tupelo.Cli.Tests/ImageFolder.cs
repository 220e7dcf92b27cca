// A directory for one test class, with golden images unpacked into it on demand; gone when the class is done.
using Tupelo.Testing.Images;

namespace Tupelo.Cli.Tests;

public sealed class ImageFolder : IDisposable
{
    private readonly Lock _unpacking = new();

    public string Path { get; } = Directory.CreateTempSubdirectory("tupelo-cli-tests-").FullName;

    /// <summary>Path of the golden image <paramref name="name"/>.</summary>
    public string Golden(string name)
    {
        string file = System.IO.Path.Combine(Path, name + ".img");
        lock (_unpacking)
        {
            if (!File.Exists(file))
            {
                File.WriteAllBytes(file, GoldenImage.Load(name).Bytes);
            }
        }
        return file;
    }

    /// <summary>Path of a new image with these bytes.</summary>
    public string Write(string name, ReadOnlySpan<byte> bytes)
    {
        string file = System.IO.Path.Combine(Path, name);
        File.WriteAllBytes(file, bytes);
        return file;
    }

    /// <summary>A path in the directory.</summary>
    public string At(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
