namespace Tupelo.FileSystems.Tests;

/// <summary>A directory of the host of its own for one test, removed at the end.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("tupelo-fs-").FullName;

    public string this[string name] => Path.Combine(Root, name);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
