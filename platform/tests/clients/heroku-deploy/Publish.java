import com.heroku.sdk.deploy.SlugDeployer;
import com.heroku.sdk.deploy.utils.Logger;
import java.io.File;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Deploys an app with com.heroku.sdk:heroku-deploy 1.2.0: config vars, slug, upload, release. Its host is hard-coded
 * (api.heroku.com), so that it wants a hosts file, a TLS listener on 127.0.0.1:443 and a trust store. HEROKU_API_KEY is the token, and
 * APP the name of an app that exists.
 */
public final class Publish {
  /** Packs and publishes as it comes; only the JDK, which it would fetch from Heroku's S3, is left out of the slug. */
  private static final class WithoutJdk extends SlugDeployer {
    WithoutJdk(String app, File root, File target) {
      super("slugbuilder", app, root, target, new ToStandardError());
    }

    @Override
    protected void vendorJdk(String version, URL url, String stack) {}

    void run(List<File> files, Map<String, String> configVars, String stack, Map<String, String> processTypes) throws Exception {
      prepare(files, processTypes);
      deploy(configVars, "1.8", null, stack, processTypes, "slug.tgz");
    }
  }

  private static final class ToStandardError implements Logger {
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

    public void logUploadProgress(Long uploaded, Long total) {}

    public Boolean isUploadProgressEnabled() {
      return false;
    }
  }

  public static void main(String[] arguments) throws Exception {
    Path root = Path.of("").toAbsolutePath();
    Path program = root.resolve("web");
    Files.writeString(program, "#!/bin/sh\nexec sleep 1000\n");
    Path target = Files.createDirectories(root.resolve("target"));
    // Twice: the second time the config vars are there and only those that differ are sent.
    for (String greeting : new String[] {"hello", "good bye"}) {
      new WithoutJdk(System.getenv("APP"), root.toFile(), target.toFile())
          .run(List.of(program.toFile()), Map.of("GREETING", greeting, "SAME", "same"), "heroku-24", Map.of("web", "sh web"));
    }
  }
}
