import com.heroku.sdk.deploy.lib.OutputAdapter;
import com.heroku.sdk.deploy.lib.deploymemt.Deployer;
import com.heroku.sdk.deploy.lib.deploymemt.DeploymentDescriptor;
import com.heroku.sdk.deploy.lib.sourceblob.SourceBlobDescriptor;
import com.heroku.sdk.deploy.lib.sourceblob.SourceBlobPackager;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Has an app built by com.heroku.sdk:heroku-deploy 3.0.7, as its Maven plugin does: config vars, source, upload, build, output, status. Its
 * host is hard-coded, as that of 1.2.0 is. HEROKU_API_KEY is the token, APP the name of an app that exists, SOURCE a file of JavaScript.
 */
public final class Build {
  private static final class ToStandardError implements OutputAdapter {
    public void logInfo(String text) {
      System.err.println(text);
    }

    public void logDebug(String text) {
      System.err.println(text);
    }

    public void logWarn(String text) {
      System.err.println(text);
    }

    public void logError(String text) {
      System.err.println(text);
    }

    public void logUploadProgress(long uploaded, long total) {}
  }

  public static void main(String[] arguments) throws Exception {
    OutputAdapter output = new ToStandardError();
    SourceBlobDescriptor source = new SourceBlobDescriptor();
    source.addLocalPath("web.js", Path.of(System.getenv("SOURCE")), false);
    source.addSyntheticFile("package.json", "{}", false);
    source.addSyntheticFile("Procfile", "web: node web.js\n", false);
    DeploymentDescriptor descriptor =
        new DeploymentDescriptor(
            System.getenv("APP"), List.of("heroku/nodejs"), Map.of("GREETING", "hello"), SourceBlobPackager.pack(source, output), "1.0");
    if (!Deployer.deploy(System.getenv("HEROKU_API_KEY"), "slugbuilder", "1", descriptor, output)) {
      System.exit(1);
    }
  }
}
