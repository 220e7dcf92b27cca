namespace Tupelo.Block.Tests;

/// <summary>A directory of its own for one test, removed at the end.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("tupelo-block-").FullName;

    public string this[string name] => Path.Combine(Root, name);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
