using Tupelo.Block;
using Tupelo.Tfs;

namespace Tupelo.Cli.Tests;

/// <summary>The editing commands do what the host's own do: each line is run on a directory of the host, by its tools, and on an image;
/// success or failure, and the whole tree, must be the same after each.</summary>
public sealed class GnuComparisonTests(ImageFolder folder) : IClassFixture<ImageFolder>
{
    // @ is the tree's root: the directory on the host, IMAGE:/ in the image. src/ lies beside it, on the host in both cases.
    private static readonly string[] Lines =
    [
        "mkdir @d", "mkdir @d", "mkdir -p @d/e/f @d/g", "mkdir -p @d/e/f", "mkdir @missing/x", "mkdir -m 1777 @tmp", "mkdir -p -m 700 @p/q",
        "cp src/a @", "cp src/a @a2", "cp src/a src/b @d", "cp src/a src/b @a2", "cp src/a @missing/", "cp src/a @newname/", "cp src/missing @", "cp src/missing src/a @d/e",
        "cp src/tree @", "cp -r src/tree @", "cp -r src/tree @tree2", "cp -r src/tree @tree2", "cp -r src/tree/ @tree3", "cp -r src/tree/. @d/g", "cp -a src/tree @kept",
        "cp -p src/a @kept-a", "cp src/b @a2", "cp -n src/a @a2", "cp -r src/tree @a2", "cp src/a @d", "mkdir @d/a3", "cp src/tree/link @followed", "cp src/tree/dangling @dangling",
        "cp -r src/tree/link @link-itself", "cp @a @a", "cp @a @a4", "cp -r @d @d2", "cp -a @kept @kept2", "cp -r src/fifo-dir @",
        "mv @a4 @a5", "mv @a5 @d2", "mv @a @a2 @tmp", "mv @tmp/a @", "mv @d2 @d3", "mv @d3 @d", "mv @d @d/e", "mv @nothing @x", "mv @a @d/e/f/", "mv @tree2 @a6", "mv -n @kept-a @a6",
        "cp src/b @over", "mv @kept-a @over", "mv @tree @tree3", "mv @over @tree3",
        "ln -s a @sym", "ln -s a @sym", "ln -sf b @sym", "ln @over @hard", "ln @over @hard", "ln -f @over @hard", "ln @tree3 @hard-dir", "ln -s ../x ../y @d", "ln -s d @dirlink", "ln -s t @dirlink",
        "ln -sfn e @dirlink", "rm @dirlink", "ln @missing @y",
        "touch @new @d/new", "touch -c @never", "touch -d 2020-03-04T05:06:07Z @new", "touch -t 202101020304.05 @new", "touch @missing/new", "touch -r src/a @d/new",
        "chmod 640 @new", "chmod u+x,g-r,o=w @new", "chmod a=r @new", "chmod +w @new", "chmod g=u,o=g @new", "chmod -R u=rwX,go=rX @d", "chmod 6755 @new", "chmod u-s,g-s @new", "chmod 2755 @d",
        "chmod 755 @d", "chmod 00755 @d", "chmod +t @d", "chmod o-t @d", "chmod u+s @d", "chmod =rw @new", "chmod go= @new", "chmod 644 @missing",
        "chown 7 @new", "chown 7:8 @d", "chown :9 @new", "chown -R 3:4 @d", "chown root: @new", "chown -h 5:6 @sym", "chown -R 11 @kept",
        "truncate -s 100 @new", "truncate -s +1K @new", "truncate -s -24 @new", "truncate -s 0 @new", "truncate -c -s 5 @never", "truncate -s 5 @made", "truncate -s 5 @d",
        "rmdir @tmp", "rmdir @d", "mkdir -p @r/s/t", "rmdir -p @r/s/t", "rm @d", "rm @missing", "rm -f @missing", "rm @new @missing @made", "rm -r @d/e", "rm -rf @kept2 @missing", "rm -r @tree3 @kept",
        "rm -rf @fifo-dir", "rm -r @d", "rm @hard",
    ];

    [Fact]
    public void EachCommand_DoesWhatTheHostsOwnDoes()
    {
        string root = Directory.CreateDirectory(folder.At("gnu")).FullName;
        string host = Directory.CreateDirectory(Path.Combine(root, "host")).FullName;
        string image = Path.Combine(root, "image.img");
        HostTool.Run(root, "mkdir src src/tree src/tree/sub src/fifo-dir && echo a > src/a && echo bb > src/b && chmod 751 src/b && head -c 300000 /dev/urandom > src/tree/data"
            + " && truncate -s 2M src/tree/sparse && printf x >> src/tree/sparse && ln -s data src/tree/link && ln -s nowhere src/tree/dangling && ln src/tree/data src/tree/sub/hard"
            + " && mkfifo src/fifo-dir/fifo && chmod 2710 src/tree/sub && touch -d 2001-02-03T04:05:06Z src/a && chown 42:43 src/tree/sub");
        Invocation.Succeed("mkfs", image, "--size", "64M", "-q");
        string before = Directory.GetCurrentDirectory();
        Directory.SetCurrentDirectory(root);
        try
        {
            foreach (string line in Lines)
            {
                string onHost = HostTool.Run(host, OnHost(line), out int hostCode);
                string[] words = [.. line.Replace("@", "image.img:/", StringComparison.Ordinal).Split(' ')];
                Invocation ours = Invocation.Run(words);
                Assert.True(hostCode != 0 == (ours.ExitCode != 0), $"{line}: the host says {hostCode} {onHost}, tupelo {ours.ExitCode} {ours.Error}");
                Assert.True(ours.ExitCode is 0 or 1, $"{line}: {ours.ExitCode} {ours.Error}");
                Assert.Equal(ours.ExitCode == 0, ours.Error.Length == 0);
                SortedDictionary<string, string> expected = EditedTree.OfHost(host);
                SortedDictionary<string, string> got = EditedTree.OfImage(image);
                Assert.True(expected.SequenceEqual(got),
                    $"after {line}:\nonly on the host:\n{string.Join('\n', expected.Except(got))}\nonly in the image:\n{string.Join('\n', got.Except(expected))}");
            }
        }
        finally
        {
            Directory.SetCurrentDirectory(before);
        }
        using FileBlockDevice device = FileBlockDevice.Open(image, new FileBlockDeviceOptions { ReadOnly = true });
        EditedTree.CheckIndependently(device, EditedTree.OfImage(image).Keys.Select(path => "/" + path));
    }

    // Run in the tree's root; src/ is beside it.
    private static string OnHost(string line) => string.Join(' ', line.Split(' ').Select(static word =>
        word == "@" ? "." : word.StartsWith('@') ? word[1..] : word.StartsWith("src/", StringComparison.Ordinal) ? "../" + word : word));
}
