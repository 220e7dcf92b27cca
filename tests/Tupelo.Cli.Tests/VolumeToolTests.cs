// The commands that look after volumes, run as a user runs them.
using System.Text.Json;

namespace Tupelo.Cli.Tests;

public sealed class VolumeToolTests(ImageFolder folder) : IClassFixture<ImageFolder>
{
    [Fact]
    public void Fsck_OfASoundImage_ExitsWithZero()
    {
        Invocation run = Invocation.Succeed("fsck", folder.Golden("11-mutated"));
        Assert.Contains(": clean", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Fsck_OfADamagedImage_ExitsWithOneAndRepairsItWhenAsked()
    {
        string image = Damaged("damaged-1.img");
        byte[] before = File.ReadAllBytes(image);
        Invocation check = Invocation.Run("fsck", image);
        Assert.Equal(1, check.ExitCode);
        Assert.Contains("[log-damaged]", check.Output, StringComparison.Ordinal);
        Assert.Contains("--repair", check.Output, StringComparison.Ordinal);
        Invocation dry = Invocation.Run("fsck", "--repair", "--dry-run", image);
        Assert.Equal(1, dry.ExitCode);
        Assert.Contains("would do: ", dry.Output, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(image));
        Invocation repair = Invocation.Run("fsck", "--repair", image);
        Assert.Equal(1, repair.ExitCode);
        Assert.Contains("repaired, and clean now", repair.Output, StringComparison.Ordinal);
        Assert.Contains(": clean", Invocation.Succeed("fsck", image).Output, StringComparison.Ordinal);
        Assert.Contains("hello.txt", Invocation.Succeed("ls", image).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Fsck_Json_TellsEachFinding()
    {
        Invocation run = Invocation.Run("fsck", "--json", Damaged("damaged-2.img"));
        Assert.Equal(1, run.ExitCode);
        Assert.Equal("", run.Error);
        JsonElement report = run.Json;
        Assert.False(report.GetProperty("clean").GetBoolean());
        JsonElement finding = report.GetProperty("findings").EnumerateArray().First();
        Assert.Equal("log-damaged", finding.GetProperty("code").GetString());
        Assert.Equal("error", finding.GetProperty("severity").GetString());
        Assert.True(finding.GetProperty("offset").GetInt64() > 0);
        JsonElement sectors = report.GetProperty("sectors");
        Assert.Equal(sectors.GetProperty("total").GetInt64(),
            sectors.GetProperty("log").GetInt64() + sectors.GetProperty("data").GetInt64() + sectors.GetProperty("headerCopy").GetInt64() + sectors.GetProperty("free").GetInt64());
    }

    [Fact]
    public void Fsck_OfWhatIsNoVolume_SaysSo()
    {
        Invocation run = Invocation.Run("fsck", folder.Write("text.img", new byte[4096]));
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("NVMTFS", run.Output, StringComparison.Ordinal);
        Assert.Equal(2, Invocation.Run("fsck", "--dry-run", folder.Golden("02-one-file")).ExitCode);
        Assert.Equal(2, Invocation.Run("fsck", folder.Golden("02-one-file") + ":/hello.txt").ExitCode);
    }

    [Fact]
    public void Resize_MakesAVolumeLongerAndShorter()
    {
        string image = Copy("11-mutated", "resize.img");
        long size = new FileInfo(image).Length;
        string before = Invocation.Succeed("ls", "-R", "--hash", "--json", image).Output;
        _ = Invocation.Succeed("resize", image, "+4M");
        Assert.Equal(size + (4 << 20), new FileInfo(image).Length);
        _ = Invocation.Succeed("resize", image, "3M");
        Assert.Equal(3 << 20, new FileInfo(image).Length);
        Assert.Equal(before, Invocation.Succeed("ls", "-R", "--hash", "--json", image).Output);
        _ = Invocation.Succeed("fsck", image);
        Invocation tooSmall = Invocation.Run("resize", image, "600K");
        Assert.Equal(1, tooSmall.ExitCode);
        Assert.Contains("not enough", tooSmall.Error, StringComparison.Ordinal);
        Assert.Equal(2, Invocation.Run("resize", image, "much").ExitCode);
        _ = Invocation.Succeed("fsck", image);
    }

    [Fact]
    public void Resize_OfTheLastPartition_ChangesTheTable_AndOfAnotherIsRefused()
    {
        string image = Copy("13-disk-mbr", "resize-disk.img");
        long size = new FileInfo(image).Length;
        _ = Invocation.Succeed("resize", image, "+4M");
        Assert.Equal(size + (4 << 20), new FileInfo(image).Length);
        _ = Invocation.Succeed("fsck", image);
        _ = Invocation.Succeed("resize", image, "--", "-4M");
        Assert.Equal(size, new FileInfo(image).Length);
        _ = Invocation.Succeed("fsck", image);
        Invocation boot = Invocation.Run("resize", "--partition", "boot", image, "+1M");
        Assert.Equal(1, boot.ExitCode);
        Assert.Contains("lies behind it", boot.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Trim_AndCompact_LeaveWhatIsThere()
    {
        string image = Copy("11-mutated", "trim.img");
        string before = Invocation.Succeed("ls", "-R", "--hash", "--json", image).Output;
        Assert.Contains("given back", Invocation.Succeed("trim", image).Output, StringComparison.Ordinal);
        Assert.Contains("the log had", Invocation.Succeed("compact", image).Output, StringComparison.Ordinal);
        Assert.Equal(before, Invocation.Succeed("ls", "-R", "--hash", "--json", image).Output);
        _ = Invocation.Succeed("fsck", image);
        Invocation full = Invocation.Run("compact", Copy("15-ops-v5", "full.img"));
        Assert.Equal(1, full.ExitCode);
        Assert.Contains("no room", full.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("f", "fsck")]
    [InlineData("comp", "compact")]
    [InlineData("resi", "resize")]
    [InlineData("tr", "trim")]
    [InlineData("fsck --re", "--repair")]
    public void Completion_OffersTheVolumeTools(string typed, string expected)
    {
        string line = "tupelo " + typed;
        Invocation run = Invocation.Run($"[suggest:{line.Length}]", line);
        Assert.Contains(expected, run.Output.Split('\n'));
    }

    private string Copy(string golden, string name) => folder.Write(name, File.ReadAllBytes(folder.Golden(golden)));

    // The last record of the log begins with an unknown frame.
    private string Damaged(string name)
    {
        byte[] bytes = File.ReadAllBytes(folder.Golden("02-one-file"));
        Assert.Equal(2, bytes[0x26E]);
        bytes[0x26E] = 0x55;
        return folder.Write(name, bytes);
    }
}
