using System.Text;
using System.Text.Json;
using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Cli.Tests;

/// <summary>What the editing commands do beyond what the host's own have.</summary>
public sealed class EditCommandTests(ImageFolder folder) : IClassFixture<ImageFolder>
{
    [Fact]
    public void ImageToImage_CopiesTreesWithEverything()
    {
        string from = Make("from", "8M");
        string to = Make("to", "8M");
        string host = Directory.CreateDirectory(folder.At("tree")).FullName;
        HostTool.Run(host, "echo hello > a && ln a b && ln -s a l && mkfifo f && setfattr -n user.note -v hi a && chmod 4711 a && touch -d 2003-04-05 a && mkdir d && truncate -s 3M sparse");
        Invocation.Succeed("cp", "-a", host, from + ":/");
        Invocation.Succeed("cp", "-a", from + ":/tree", to + ":/");
        Assert.Equal(EditedTree.OfImage(from), EditedTree.OfImage(to));
        Assert.Equal("hi", Invocation.Succeed("xattr", "get", to + ":/tree/b", "user.note").Output);
        JsonElement kept = Invocation.Succeed("stat", "--json", to + ":/tree/a").Json[0];
        Assert.Equal(2, kept.GetProperty("nlink").GetInt32());
        Assert.StartsWith("2003-04-0", kept.GetProperty("mtime").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, Invocation.Succeed("stat", "--json", to + ":/tree/sparse").Json[0].GetProperty("sectors").GetInt64());
    }

    [Fact]
    public void StandardInput_BecomesAFile()
    {
        string image = Make("stdin", "8M");
        Invocation run = Invocation.RunWithInput("some text", "cp", "-", image + ":/text");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal("some text", Invocation.Succeed("cat", image + ":/text").Output);
        Invocation.Succeed("mkdir", image + ":/d");
        Assert.Contains("needs a file's name", Invocation.RunWithInput("x", "cp", "-", image + ":/d").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void ShortOfSpace_NothingIsChanged_AndGrowMakesRoom()
    {
        string image = Make("small", "2M");
        string large = folder.Write("large", new byte[5_000_001]);
        File.WriteAllText(folder.At("one"), "1");
        Invocation.Succeed("cp", folder.At("one"), image + ":/one");
        SortedDictionary<string, string> before = EditedTree.OfImage(image);
        byte[] bytes = File.ReadAllBytes(image);
        Invocation full = Invocation.Run("cp", folder.At("one"), large, image + ":/");
        Assert.Equal(1, full.ExitCode);
        Assert.Contains("no space left in it, --grow lets the image become larger; nothing was changed", full.Error, StringComparison.Ordinal);
        Assert.Equal(before, EditedTree.OfImage(image));
        Assert.Equal(bytes.Length, new FileInfo(image).Length);
        Invocation grown = Invocation.Succeed("cp", "--grow", "--json", folder.At("one"), large, image + ":/");
        Assert.Equal(2, grown.Json.GetProperty("entries").GetInt32());
        Assert.Equal(new FileInfo(image).Length, grown.Json.GetProperty("imageBytes").GetInt64());
        Assert.True(grown.Json.GetProperty("grownBytes").GetInt64() >= 4 << 20);
        Assert.Equal(5_000_001, Invocation.Succeed("cat", image + ":/large").OutputBytes.Length);
        using FileBlockDevice device = FileBlockDevice.Open(image, new FileBlockDeviceOptions { ReadOnly = true });
        EditedTree.CheckIndependently(device, ["/one", "/large"]);
    }

    [Fact]
    public void ManyFiles_AreOneCommit()
    {
        const int Files = 10_000;
        string image = Make("many", "64M");
        string host = Directory.CreateDirectory(folder.At("files")).FullName;
        for (int i = 0; i < Files; i++)
        {
            File.WriteAllText(Path.Combine(host, $"{i}"), $"content {i}");
        }
        Invocation.Succeed("cp", "-r", host, image + ":/");
        using FileBlockDevice device = FileBlockDevice.Open(image, new FileBlockDeviceOptions { ReadOnly = true });
        var volume = TfsVolume.Open(device);
        Assert.Equal(1ul, volume.Log.LastCommitSequence - FirstCommit(Make("many-empty", "64M")));
        EditedTree.CheckIndependently(device, [.. Enumerable.Range(0, Files).Select(i => $"/files/{i}"), "/files"]);
        Assert.Equal($"content {Files - 1}", Invocation.Succeed("cat", $"{image}:/files/{Files - 1}").Output);
    }

    [Fact]
    public void ImageThatIsInUse_IsRefusedWithItsHolder()
    {
        string image = Make("locked", "8M");
        using FileBlockDevice holder = FileBlockDevice.Open(image, new FileBlockDeviceOptions());
        Invocation run = Invocation.Run("touch", image + ":/x");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("in use", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rm IMAGE:/", 1, "not removed")]
    [InlineData("rm -r IMAGE:/d/..", 1, "not removed")]
    [InlineData("cp -r IMAGE:/d IMAGE:/d/inside", 1, "into itself")]
    [InlineData("cp -r IMAGE:/d IMAGE:/d", 1, "into itself")]
    [InlineData("mv IMAGE:/d IMAGE:/d/inside", 1, "into itself")]
    [InlineData("mv IMAGE:/d OTHER:/d", 2, "one run edits one image")]
    [InlineData("mkdir IMAGE", 2, "no path in an image")]
    [InlineData("chmod 9 IMAGE:/d", 2, "is no mode")]
    [InlineData("chmod u+q IMAGE:/d", 2, "is no mode")]
    [InlineData("chmod u+x, IMAGE:/d", 2, "is no mode")]
    [InlineData("chown nobody-of-that-name IMAGE:/d", 2, "a number will do")]
    [InlineData("truncate -s x IMAGE:/d", 2, "is no size")]
    [InlineData("touch -d yesterday-ish IMAGE:/d", 2, "is no time")]
    [InlineData("touch -t 1 IMAGE:/d", 2, "is no time")]
    [InlineData("xattr set IMAGE:/d note x", 1, "user.note")]
    [InlineData("set IMAGE children=1", 1, "file system's own")]
    [InlineData("set IMAGE tupelo_commit=1", 1, "file system's own")]
    [InlineData("set IMAGE =1", 2, "KEY=TEXT")]
    [InlineData("set IMAGE x:=(", 2, "x:=(")]
    [InlineData("unset IMAGE nothing", 1, "has no nothing")]
    [InlineData("mkdir missing.img:/d", 1, "missing.img")]
    [InlineData("batch IMAGE missing-script", 1, "missing-script")]
    [InlineData("ln IMAGE:/d IMAGE:/e", 1, "one name only")]
    public void WhatCannotBeDone_IsSaid_AndChangesNothing(string line, int code, string hint)
    {
        string image = Make("errors", "2M");
        string other = Make("other", "2M");
        Invocation.Succeed("mkdir", image + ":/d");
        byte[] before = File.ReadAllBytes(image);
        Invocation run = Invocation.Run([.. line.Split(' ').Select(word => word.Replace("IMAGE", image, StringComparison.Ordinal).Replace("OTHER", other, StringComparison.Ordinal))]);
        Assert.Equal(code, run.ExitCode);
        Assert.StartsWith("tupelo: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(hint, run.Error, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(image));
    }

    [Fact]
    public void SomeThatFail_DoNotKeepTheOthersFromBeingDone()
    {
        string image = Make("partly", "8M");
        Invocation.Succeed("touch", image + ":/a", image + ":/c");
        Invocation run = Invocation.Run("rm", image + ":/a", image + ":/b", image + ":/c");
        Assert.Equal(1, run.ExitCode);
        Assert.Equal($"tupelo: cannot remove {image}:/b: No such file or directory\n", run.Error);
        Assert.Empty(EditedTree.OfImage(image));
    }

    [Fact]
    public void RootAttributes_AreSetAndUnset()
    {
        string image = Make("attributes", "8M");
        Invocation.Succeed("set", image, "program=/bin/app", "environment.HOME=/root", "environment.A.B=x", "arguments:=[app (a:b c:[1 2])]", "user.dotted=1", "debug:=t");
        JsonElement env = Invocation.Succeed("env", "--json", image).Json;
        Assert.Equal("/bin/app", env.GetProperty("program").GetString());
        Assert.Equal("/root", env.GetProperty("environment").GetProperty("HOME").GetString());
        Assert.Equal("x", env.GetProperty("environment").GetProperty("A.B").GetString());
        Assert.Equal("b", env.GetProperty("arguments")[1].GetProperty("a").GetString());
        Assert.Equal("1", env.GetProperty("user.dotted").GetString());
        Invocation.Succeed("set", image, "environment.HOME=/home", "arguments:=[]");
        Invocation.Succeed("unset", image, "environment.A.B", "debug");
        env = Invocation.Succeed("env", "--json", image).Json;
        Assert.Equal("/home", env.GetProperty("environment").GetProperty("HOME").GetString());
        Assert.False(env.TryGetProperty("debug", out _));
        Assert.False(env.GetProperty("environment").TryGetProperty("A.B", out _));
        Assert.Equal(0, env.GetProperty("arguments").GetArrayLength());
    }

    [Fact]
    public void Batch_IsOneCommit_ReadsQuotes_AndSaysWhichLineFailed()
    {
        string image = Make("batch", "8M");
        ulong before = FirstCommit(image);
        Invocation run = Invocation.RunWithInput("""
            # a comment
            mkdir -p "/with space" '/and "quotes"'
            touch '/with space/a' \
                '/with space/b'   # goes on

            mv '/with space/a' :/moved; chmod 600 /moved
            xattr set /moved user.text 'two
            lines'
            set environment.X='a b'
            """, "batch", "--json", image);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(6, run.Json.GetProperty("commands").GetInt32());
        Assert.Equal(["and \"quotes\"", "moved", "with space", "with space/b"], EditedTree.OfImage(image).Keys);
        Assert.Equal("two\nlines", Invocation.Succeed("xattr", "get", image + ":/moved", "user.text").Output);
        Assert.Equal(before + 1, FirstCommit(image));
        foreach ((string line, string said) in new[]
        {
            ("rm /nothing", "line 2: cannot remove"), ("frobnicate /x", "line 2: 'frobnicate' is no command of a batch"), ("mkdir", "line 2: "), ("rm --nope /x", "line 2: '--nope' is no option"),
            ("mkdir 'x", "line 2: a quote"), ("touch /x > y", "line 2: a batch has no redirections"), ("cp /no/such/file :/x", "line 2: cannot read"),
        })
        {
            byte[] bytes = File.ReadAllBytes(image);
            run = Invocation.RunWithInput("mkdir /new\n" + line + "\n", "batch", image);
            Assert.Equal(1, run.ExitCode);
            Assert.Contains("standard input, " + said, run.Error, StringComparison.Ordinal);
            Assert.Equal(bytes, File.ReadAllBytes(image));
        }
    }

    [Fact]
    public void PartitionOfADisk_IsEdited()
    {
        string disk = folder.At("disk.img");
        File.WriteAllBytes(disk, Testing.Images.GoldenImage.Load(DiskWithPartitions()).Bytes.ToArray());
        Invocation run = Invocation.Run("mkdir", disk + ":/made-here");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("made-here", Invocation.Run("ls", "--partition", "root", disk).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Interrupted_LeavesTheImageAsItWas()
    {
        string image = Make("interrupted", "8M");
        byte[] before = File.ReadAllBytes(image);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        using var error = new StringWriter();
        int code = CommandLine.Run(["mkdir", image + ":/d"], new Terminal { Output = Stream.Null, Error = error, Interrupted = stop.Token });
        Assert.Equal(130, code);
        Assert.Contains("is as it was", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(image));
    }

    private static string DiskWithPartitions() => Testing.Images.GoldenImage.Names.First(static name =>
    {
        using var device = new MemoryBlockDevice(Testing.Images.GoldenImage.Load(name).Bytes.ToArray());
        var table = PartitionTable.Read(device);
        if (table.IsWholeVolume || table.Find(PartitionRole.Root) is null)
        {
            return false;
        }
        using BlockDevice root = table.Open(device, PartitionRole.Root, ownsDevice: false);
        return TfsSpaceMap.Build(TfsVolume.Open(root)).LargestFreeRun > 4 * TfsFormat.ExtensionSectors;
    });

    private static ulong FirstCommit(string image)
    {
        using FileBlockDevice device = FileBlockDevice.Open(image, new FileBlockDeviceOptions { ReadOnly = true });
        return TfsVolume.Open(device).Log.LastCommitSequence;
    }

    private string Make(string name, string size)
    {
        string image = folder.At(name + ".img");
        Invocation.Succeed("mkfs", image, "--size", size, "-q", "--force");
        return image;
    }
}
