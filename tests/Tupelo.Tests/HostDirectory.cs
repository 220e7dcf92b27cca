namespace Tupelo.Tests;

/// <summary>A directory of the host for one test.</summary>
internal sealed class HostDirectory : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("tupelo-tests-").FullName;

    public string this[string name] => Path.Combine(_path, name);

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
