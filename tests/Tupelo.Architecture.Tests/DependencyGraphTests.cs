using System.Xml.Linq;

namespace Tupelo.Architecture.Tests;

/// <summary>The house stands only while dependencies point one way: doors, VFS, file systems, devices, numbers.</summary>
public sealed class DependencyGraphTests
{
    // Assembly -> what it may refer to, directly. A new assembly is added here on purpose, never by accident.
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Tupelo.Abi"] = [],
        ["Tupelo.Block"] = ["Tupelo.Abi"],
        ["Tupelo.Vfs"] = ["Tupelo.Abi"],
        ["Tupelo.Tfs"] = ["Tupelo.Abi", "Tupelo.Block", "Tupelo.Vfs"],
        ["Tupelo.FileSystems"] = ["Tupelo.Abi", "Tupelo.Block", "Tupelo.Vfs"],
        ["Tupelo.Fuse"] = ["Tupelo.Abi", "Tupelo.Vfs"],
        ["Tupelo"] = ["Tupelo.Abi", "Tupelo.Block", "Tupelo.Vfs", "Tupelo.Tfs", "Tupelo.FileSystems"],
        ["Tupelo.Extensions.FileProviders"] = ["Tupelo", "Tupelo.Abi"],
        ["Tupelo.Extensions.DependencyInjection"] = ["Tupelo"],
        ["Tupelo.Images"] = ["Tupelo.Abi", "Tupelo.Block", "Tupelo.Vfs", "Tupelo.Tfs"],
        ["Tupelo.Cli"] = ["Tupelo.Abi", "Tupelo.Block", "Tupelo.Vfs", "Tupelo.Tfs", "Tupelo.FileSystems", "Tupelo.Images", "Tupelo.Fuse"],
    };

    public static TheoryData<string> Projects()
    {
        var data = new TheoryData<string>();
        foreach (string directory in Directory.GetDirectories(Path.Combine(RepositoryRoot(), "src")))
        {
            data.Add(Path.GetFileName(directory));
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_RefersOnlyToWhatTheHouseAllows(string project)
    {
        Assert.True(Allowed.TryGetValue(project, out string[]? allowed), $"{project} is not in the graph: add it on purpose.");
        string file = Path.Combine(RepositoryRoot(), "src", project, project + ".csproj");
        IEnumerable<string> references = XDocument.Load(file).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')));
        Assert.All(references, reference => Assert.Contains(reference, allowed));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void BuiltAssembly_RefersOnlyToWhatTheHouseAllows(string project)
    {
        if (project == "Tupelo.Cli")
        {
            return; // a program: nothing refers to it, and it may refer to all
        }
        string[] built = [.. System.Reflection.Assembly.Load(project).GetReferencedAssemblies()
            .Select(name => name.Name!).Where(name => name.StartsWith("Tupelo.", StringComparison.Ordinal))];
        Assert.All(built, reference => Assert.Contains(reference, Allowed[project]));
    }

    [Theory]
    [InlineData("Tupelo.Abi")]
    [InlineData("Tupelo.Block")]
    [InlineData("Tupelo.Vfs")]
    [InlineData("Tupelo.Tfs")]
    [InlineData("Tupelo.FileSystems")]
    [InlineData("Tupelo")]
    [InlineData("Tupelo.Fuse")]
    public void Core_NeedsNoPackageBeyondTheFramework(string project)
    {
        IEnumerable<string> packages = XDocument.Load(Path.Combine(RepositoryRoot(), "src", project, project + ".csproj"))
            .Descendants("PackageReference").Select(reference => reference.Attribute("Include")!.Value);
        Assert.All(packages, package => Assert.Equal("Microsoft.Extensions.Logging.Abstractions", package));
    }

    internal static string RepositoryRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Tupelo.slnx")))
        {
            directory = Path.GetDirectoryName(directory);
        }
        return directory ?? throw new InvalidOperationException("The repository's root was not found above the test's directory.");
    }
}
