using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;
using Tupelo.Extensions.FileProviders;

namespace Tupelo.Extensions.Tests;

public sealed class FileProviderTests
{
    [Fact]
    public void Provider_ShowsFilesAndDirectories()
    {
        using Volume volume = MakeSite();
        using var provider = new VolumeFileProvider(volume, "/site");
        IFileInfo file = provider.GetFileInfo("/index.html");
        Assert.True(file.Exists && !file.IsDirectory);
        Assert.Equal("index.html", file.Name);
        Assert.Equal(volume.GetEntry("/site/index.html").Length, file.Length);
        Assert.Null(file.PhysicalPath);
        using (StreamReader reader = new(file.CreateReadStream()))
        {
            Assert.Equal("<h1>home</h1>", reader.ReadToEnd());
        }
        Assert.Equal(["css", "index.html", "inside"], provider.GetDirectoryContents("").Select(static info => info.Name).Order(StringComparer.Ordinal));
        Assert.True(provider.GetDirectoryContents("css").Single().Exists);
        Assert.False(provider.GetDirectoryContents("none").Exists);
    }

    [Theory]
    [InlineData("../secret")]
    [InlineData("/css/../../secret")]
    [InlineData("outside")]
    [InlineData("up/secret")]
    [InlineData("index.html\0.txt")]
    [InlineData("./index.html")]
    [InlineData("none")]
    [InlineData("index.html/below")]
    public void PathsThatLeadOut_LeadNowhere(string path)
    {
        using Volume volume = MakeSite();
        volume.CreateSymbolicLink("/site/outside", "/secret");
        volume.CreateSymbolicLink("/site/up", "..");
        using var provider = new VolumeFileProvider(volume, "/site");
        Assert.False(provider.GetFileInfo(path).Exists);
    }

    [Theory]
    [InlineData("*.html", "/site/new.html", true)]
    [InlineData("*.html", "/site/css/new.html", false)]
    [InlineData("**/*.css", "/site/css/deep/a.css", true)]
    [InlineData("index.html", "/site/index.html", true)]
    [InlineData("index.html", "/elsewhere.html", false)]
    public async Task Tokens_FireWhenWhatTheyNameChanges(string filter, string path, bool fires)
    {
        using Volume volume = MakeSite();
        using var provider = new VolumeFileProvider(volume, "/site");
        IChangeToken token = provider.Watch(filter);
        IChangeToken witness = provider.Watch("witness");
        var fired = new TaskCompletionSource();
        var witnessed = new TaskCompletionSource();
        using IDisposable first = token.RegisterChangeCallback(_ => fired.TrySetResult(), null);
        using IDisposable second = witness.RegisterChangeCallback(_ => witnessed.TrySetResult(), null);
        volume.CreateDirectory(path[..path.LastIndexOf('/')] is { Length: > 0 } directory ? directory : "/");
        await Task.Delay(100); // a directory that is new is watched by and by
        volume.WriteAllText(path, "changed");
        volume.WriteAllText("/site/witness", "");
        await witnessed.Task.WaitAsync(TimeSpan.FromSeconds(20));
        if (fires)
        {
            await fired.Task.WaitAsync(TimeSpan.FromSeconds(20));
        }
        Assert.Equal(fires, token.HasChanged);
    }

    [Fact]
    public async Task AspNetCore_ServesAWebSiteOutOfAVolume_WithRangesAndETags()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddTupeloVolume(static _ => MakeSite());
        await using WebApplication app = builder.Build();
        using var provider = new VolumeFileProvider(app.Services.GetRequiredService<FileTree>(), "/site");
        app.UseFileServer(new FileServerOptions { FileProvider = provider });
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        using HttpResponseMessage home = await client.GetAsync(new Uri("/", UriKind.Relative));
        Assert.Equal("<h1>home</h1>", await home.Content.ReadAsStringAsync());
        EntityTagHeaderValue tag = Assert.IsType<EntityTagHeaderValue>(home.Headers.ETag);
        using HttpRequestMessage again = new(HttpMethod.Get, "/index.html");
        again.Headers.IfNoneMatch.Add(tag);
        using HttpResponseMessage unchanged = await client.SendAsync(again);
        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
        using HttpRequestMessage part = new(HttpMethod.Get, "/css/style.css");
        part.Headers.Range = new RangeHeaderValue(2, 5);
        using HttpResponseMessage ranged = await client.SendAsync(part);
        Assert.Equal(HttpStatusCode.PartialContent, ranged.StatusCode);
        Assert.Equal("dy {", await ranged.Content.ReadAsStringAsync());
        using HttpResponseMessage missing = await client.GetAsync(new Uri("/%2e%2e/secret", UriKind.Relative));
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
    }

    [Fact]
    public void Services_CloseTheirVolumesCleanly()
    {
        string file = Path.Combine(Path.GetTempPath(), $"tupelo-services-{Guid.NewGuid():N}.tfs");
        try
        {
            var services = new ServiceCollection();
            services.AddTupeloVolume(file).AddTupeloVolumeInMemory(key: "cache");
            using (ServiceProvider provider = services.BuildServiceProvider())
            {
                provider.GetRequiredService<FileTree>().WriteAllText("/kept", "1");
                provider.GetRequiredKeyedService<Volume>("cache").WriteAllText("/gone", "1");
                Assert.Same(provider.GetRequiredService<Volume>(), provider.GetRequiredService<FileTree>());
            }
            using Volume again = Volume.Open(file);
            Assert.Equal("1", again.ReadAllText("/kept"));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static Volume MakeSite()
    {
        Volume volume = Volume.InMemory();
        volume.CreateDirectory("/site/css");
        volume.WriteAllText("/site/index.html", "<h1>home</h1>");
        volume.WriteAllText("/site/css/style.css", "body { margin: 0 }");
        volume.CreateSymbolicLink("/site/inside", "index.html");
        volume.WriteAllText("/secret", "not for you");
        return volume;
    }
}
